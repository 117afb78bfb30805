import WheelJars.{wheelJars, wheelJarsSettings}

// The one version number: hatch reads the same file.
ThisBuild / version := IO.read((ThisBuild / baseDirectory).value / "VERSION").trim
// Spark 4.0.1's own Scala; a newer 2.13 would compile against a library that Spark does not bring.
ThisBuild / scalaVersion := "2.13.16"
ThisBuild / organization := "io.github.sparkvision"
ThisBuild / organizationName := "SparkVision"
ThisBuild / description := "Vision Transformers as Spark ML stages"
ThisBuild / homepage := Some(url("https://github.com/sparkvision/sparkvision"))
ThisBuild / licenses := Seq("Apache-2.0" -> url("https://www.apache.org/licenses/LICENSE-2.0.txt"))
ThisBuild / scmInfo := Some(
  ScmInfo(url("https://github.com/sparkvision/sparkvision"), "scm:git:https://github.com/sparkvision/sparkvision.git")
)
ThisBuild / developers := List(
  Developer("sparkvision", "The SparkVision developers", "", url("https://github.com/sparkvision"))
)
ThisBuild / versionScheme := Some("early-semver")
ThisBuild / publishMavenStyle := true
// The release whose binary interface this version keeps, as mimaReportBinaryIssues checks. 0.1.0 is the first one: from
// its release on this is Some("0.1.0"). -Dsparkvision.previous=VERSION compares with one in the local Maven repository.
val released: Option[String] = None
val previous: Option[String] = sys.props.get("sparkvision.previous").orElse(released)
ThisBuild / semanticdbEnabled := true
ThisBuild / semanticdbVersion := scalafixSemanticdb.revision
// Two test JVMs at once would measure each other, and a Spark one alone fills a small machine.
Global / concurrentRestrictions += Tags.limit(Tags.Test, 1)

lazy val root = (project in file("."))
  .aggregate(image, engine, core, cpu, gpu, onednn)
  .settings(
    name := "sparkvision-build",
    publish / skip := true,
    mimaPreviousArtifacts := Set.empty,
    wheelJarsSettings(image, engine, core)
  )

/** Images to tensors, as Hugging Face's processors do. The classpath has neither ONNX Runtime nor Spark. */
lazy val image = (project in file("jvm/image")).settings(
  compiled,
  name := "sparkvision-image",
  libraryDependencies ++= Seq(Dependencies.jackson, Dependencies.scalatest % Test) ++ Dependencies.imageDecoder
)

/** Model bundles and their runs. The classpath has no Spark. */
lazy val engine = (project in file("jvm/engine"))
  .dependsOn(image % "compile->compile;test->test")
  .settings(
    compiled,
    name := "sparkvision-engine",
    libraryDependencies ++= Seq(
      Dependencies.onnxRuntime % Provided,
      Dependencies.slf4j,
      Dependencies.tokenizers,
      Dependencies.tokenizersException,
      Dependencies.lucene,
      Dependencies.scalatest % Test
    )
  )

/** The Spark ML stages. */
lazy val core = (project in file("jvm/spark"))
  .dependsOn(engine % "compile->compile;test->test")
  .settings(
    compiled,
    name := "sparkvision-core",
    libraryDependencies ++= Seq(
      Dependencies.onnxRuntime % Provided,
      Dependencies.sparkMllib % Provided,
      Dependencies.sparkSql % Provided,
      Dependencies.hdfsMiniCluster % Test,
      Dependencies.scalatest % Test
    ),
    Test / javaOptions ++= SparkOnJava17.options
  )

// The complete variants. Each is an empty jar whose POM adds one ONNX Runtime to core; a user names exactly one.
lazy val cpu = variant("cpu", "sparkvision", Seq(Dependencies.onnxRuntime))
lazy val gpu = variant("gpu", "sparkvision-gpu", Seq(Dependencies.onnxRuntimeGpu))
lazy val onednn = variant("onednn", "sparkvision-onednn", Dependencies.onnxRuntimeOneDnn).settings(
  tested,
  libraryDependencies += Dependencies.scalatest % Test,
  // The engine's helpers for tests, without its test classpath: that holds Microsoft's runtime.
  Test / unmanagedClasspath ++= (image / Test / exportedProducts).value ++ (engine / Test / exportedProducts).value
)

def variant(id: String, artifact: String, runtime: Seq[ModuleID]): Project =
  Project(id, file(s"jvm/variants/$id"))
    .dependsOn(core)
    .settings(name := artifact, mimaPreviousArtifacts := Set.empty, libraryDependencies ++= runtime)

lazy val compiled = Seq(
  mimaPreviousArtifacts := previous.map(organization.value %% name.value % _).toSet,
  resolvers ++= sys.props.get("sparkvision.previous").map(_ => Resolver.mavenLocal),
  scalacOptions ++= Seq("-release", "17", "-encoding", "utf8", "-Werror", "-deprecation", "-feature", "-unchecked"),
  scalacOptions ++= Seq("-Xlint", "-Wdead-code"),
  javacOptions ++= Seq("--release", "17"),
  // Scaladoc cannot resolve links into dependencies; a missing link is no reason to refuse to publish.
  Compile / doc / scalacOptions --= Seq("-Werror", "-Xlint", "-Wdead-code"),
  Compile / doc / scalacOptions += "-no-link-warnings"
) ++ tested

lazy val tested = Seq(
  Test / fork := true,
  Test / javaOptions += "-Xmx3g",
  // As long a command line as a Spark executor's: ONNX Runtime 1.29.0 ends a JVM that has one (project/Dependencies.scala).
  Test / javaOptions += s"-Dsparkvision.longCommandLine=${"x/" * 4000}",
  Test / javaOptions += {
    // Extracted natives and bundles that tests damage: here they go with `clean`, and do not fill the machine's own.
    val temporary = target.value / "tmp"
    IO.createDirectory(temporary)
    s"-Djava.io.tmpdir=$temporary"
  },
  Test / parallelExecution := false,
  Test / testOptions += Tests.Argument(TestFrameworks.ScalaTest, "-oD")
)
