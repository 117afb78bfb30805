import sbt.*
import sbt.Keys.*
import sbt.util.{FileInfo, FilesInfo}

/** The three jars inside the Python wheel: our classes, the picture decoder and the CPU runtime.
  *
  * The upstream jars hold every platform and every OpenCV module, 130 MB packed; a wheel for Linux needs under 40 of them.
  */
object WheelJars {
  val wheelJars = taskKey[Seq[File]]("Writes the jars that the Python wheel carries into python/sparkvision/jars")

  def wheelJarsSettings(engine: Project, core: Project): Seq[Setting[?]] = Seq(
    wheelJars := {
      val ours = (engine / Compile / products).value ++ (core / Compile / products).value
      val upstream = (engine / Compile / externalDependencyClasspath).value.files
      val licences = baseDirectory.value / "jvm" / "licenses"
      val folder = baseDirectory.value / "python" / "sparkvision" / "jars"
      val jars = Seq(
        WheelJar(folder / s"sparkvision-${version.value}.jar", ours, _ => true),
        WheelJar(
          folder / s"sparkvision-decoder-${version.value}-${Dependencies.linux}.jar",
          Dependencies.imageDecoder.map(jarOf(_, upstream)) :+ licences / "decoder",
          DecoderEntries.keep
        ),
        WheelJar(
          folder / s"onnxruntime-${Dependencies.onnxRuntime.revision}-${Dependencies.linux}.jar",
          Seq(jarOf(Dependencies.onnxRuntime, upstream), licences / "onnxruntime"),
          onnxRuntimeEntry
        )
      )
      writeStale(jars, baseDirectory.value, streams.value.cacheDirectory, version.value, streams.value.log)
      (folder * "*.jar").get.filterNot(jars.map(_.file).contains(_)).foreach(IO.delete(_))
      jars.map(_.file)
    }
  )

  /** Rewrites a jar only when what goes into it, or the code that writes it, has changed. */
  private def writeStale(jars: Seq[WheelJar], root: File, cache: File, version: String, log: Logger): Unit =
    jars.foreach { jar =>
      val write = FileFunction.cached(cache / jar.file.getName, FileInfo.hash, FileInfo.exists) { _ =>
        jar.write(root / "LICENSE", version)
        log.info(f"wrote ${jar.file.getName}, ${jar.file.length / 1e6}%.1f MB")
        Set(jar.file)
      }
      val inputs = jar.sources.flatMap(_.allPaths.get) ++ (root / "project" * "*.scala").get :+ root / "LICENSE"
      write(inputs.filter(_.isFile).toSet)
    }

  private def jarOf(module: ModuleID, classpath: Seq[File]): File = {
    val classifier = module.explicitArtifacts.flatMap(_.classifier).map("-" + _).mkString
    val name = s"${module.name}-${module.revision}$classifier.jar"
    classpath.find(_.getName == name).getOrElse(sys.error(s"$name is not on the engine's classpath"))
  }

  /** Classes, notices, and of the natives Linux x86_64's alone. */
  private def onnxRuntimeEntry(name: String): Boolean =
    !name.startsWith("ai/onnxruntime/native/") || name.startsWith("ai/onnxruntime/native/linux-x64/")
}
