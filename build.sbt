ThisBuild / scalaVersion := "2.13.16"
lazy val engine = (project in file("jvm/engine")).settings(
  libraryDependencies ++= Seq(
    "com.microsoft.onnxruntime" % "onnxruntime" % "1.29.0" % Provided,
    "org.bytedeco" % "opencv" % "4.13.0-1.5.13",
    "org.bytedeco" % "opencv" % "4.13.0-1.5.13" classifier "linux-x86_64",
    "org.bytedeco" % "openblas" % "0.3.31-1.5.13" classifier "linux-x86_64",
    "org.bytedeco" % "javacpp" % "1.5.13" classifier "linux-x86_64",
    "com.fasterxml.jackson.core" % "jackson-databind" % "2.18.2",
    "org.slf4j" % "slf4j-api" % "2.0.16",
    "org.scalatest" %% "scalatest" % "3.2.19" % Test))
lazy val spark = (project in file("jvm/spark")).dependsOn(engine).settings(
  libraryDependencies ++= Seq(
    "org.apache.spark" %% "spark-mllib" % "4.0.1" % Provided,
    "org.apache.spark" %% "spark-sql" % "4.0.1" % Provided))
