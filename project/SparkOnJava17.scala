/** What Spark needs opened on Java 17, as in Spark's own `org.apache.spark.launcher.JavaModuleOptions` (4.0.1). */
object SparkOnJava17 {
  private val packages = Seq(
    "java.lang",
    "java.lang.invoke",
    "java.lang.reflect",
    "java.io",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.ref",
    "sun.nio.ch",
    "sun.nio.cs",
    "sun.security.action",
    "sun.util.calendar"
  )

  val options: Seq[String] =
    packages.map(name => s"--add-opens=java.base/$name=ALL-UNNAMED") ++ Seq(
      "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED",
      "-Djdk.reflect.useDirectMethodHandle=false",
      "-Dio.netty.tryReflectionSetAccessible=true"
    )
}
