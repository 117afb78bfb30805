// The catalogue's pipeline as a Spark application in Scala: sbt "run CATALOGUE MODELS THRESHOLD"
ThisBuild / scalaVersion := "2.13.16"

// Where `scripts/sbt publishM2` puts SparkVision before there is a release of it.
resolvers += Resolver.mavenLocal

libraryDependencies ++= Seq(
  "io.github.sparkvision" %% "sparkvision" % "0.1.0",
  "org.apache.spark" %% "spark-mllib" % "4.0.1"
)

// With spark-submit these two are not needed: Spark is there, and opens what it needs of Java 17 itself.
run / fork := true
run / javaOptions ++= Seq("java.base/java.nio", "java.base/sun.nio.ch", "java.base/java.lang", "java.base/java.util")
  .map(name => s"--add-opens=$name=ALL-UNNAMED")
