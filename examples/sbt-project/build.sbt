// A Spark application in Scala that labels images: sbt "run FOLDER"
ThisBuild / scalaVersion := "2.13.16"

// Until SparkVision is released, `scripts/sbt publishM2` publishes it to the local Maven repository.
resolvers += Resolver.mavenLocal

libraryDependencies ++= Seq(
  // Depend on exactly one of sparkvision, sparkvision-gpu and sparkvision-onednn.
  "io.github.sparkvision" %% "sparkvision" % "0.1.0",
  "org.apache.spark" %% "spark-mllib" % "4.0.1"
)

// spark-submit does not need these two settings, because Spark adds the options itself.
run / fork := true
run / javaOptions ++= Seq("java.base/java.nio", "java.base/sun.nio.ch", "java.base/java.lang", "java.base/java.util")
  .map(name => s"--add-opens=$name=ALL-UNNAMED")
