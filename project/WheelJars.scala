import sbt.*
import sbt.Keys.*
import sbt.complete.DefaultParsers.spaceDelimited
import sbt.librarymanagement.{DependencyResolution, UnresolvedWarningConfiguration, UpdateConfiguration}
import sbt.util.{FileInfo, FilesInfo}

/** The jars inside the Python wheel: our classes, the image decoder, the CPU runtime, the tokenizers and Lucene.
  *
  * The upstream jars hold every platform or every OpenCV module, 130 MB packed; a wheel for one platform needs under 40 of
  * them. Natives are only copied: a wheel for any platform can be made on any other.
  */
object WheelJars {
  val wheelJars = inputKey[Seq[File]]("Writes the jars that a wheel carries: wheelJars [PLATFORM FOLDER]")

  def wheelJarsSettings(image: Project, engine: Project, core: Project): Seq[Setting[?]] = Seq(
    wheelJars := {
      val root = baseDirectory.value
      val (platform, folder) = spaceDelimited("[PLATFORM FOLDER]").parsed match {
        case Seq() => (WheelPlatform.Default, root / "python" / "sparkvision" / "jars")
        case Seq(platform, folder) => (WheelPlatform.named(platform), root / folder)
        case several => sys.error(s"wheelJars takes a platform and a folder, or nothing, not ${several.mkString(" ")}.")
      }
      val ours =
        (image / Compile / products).value ++ (engine / Compile / products).value ++ (core / Compile / products).value
      val log = streams.value.log
      val resolve = upstream((engine / dependencyResolution).value, log) _
      val licences = root / "jvm" / "licenses"
      val jars = Seq(
        WheelJar(folder / s"sparkvision-${version.value}.jar", ours, _ => true),
        WheelJar(
          folder / s"sparkvision-decoder-${version.value}-${platform.name}.jar",
          resolve(Dependencies.imageDecoderFor(platform.javacpp)) :+ licences / "decoder",
          new DecoderEntries(platform).keep
        ),
        WheelJar(
          folder / s"onnxruntime-${Dependencies.onnxRuntime.revision}-${platform.name}.jar",
          resolve(Seq(Dependencies.onnxRuntime)) :+ licences / "onnxruntime",
          onnxRuntimeEntry(platform)
        ),
        WheelJar(
          folder / s"tokenizers-${Dependencies.tokenizers.revision}-${platform.name}.jar",
          resolve(Seq(Dependencies.tokenizers, Dependencies.tokenizersException)) :+ licences / "tokenizers",
          tokenizersEntry(platform)
        ),
        WheelJar(
          folder / s"lucene-core-${Dependencies.lucene.revision}.jar",
          resolve(Seq(Dependencies.lucene)),
          _ => true
        )
      )
      writeStale(jars, root, streams.value.cacheDirectory / platform.name, version.value, log)
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

  /** These jars and none of what they depend on, each once, in the resolver's cache. */
  private def upstream(resolution: DependencyResolution, log: Logger)(modules: Seq[ModuleID]): Seq[File] = {
    val needed = modules.map(_.intransitive().withConfigurations(Some("compile"))).toVector
    val asking = resolution.moduleDescriptor("io.github.sparkvision" % "wheel-jars" % "0", needed, None)
    resolution.update(asking, UpdateConfiguration(), UnresolvedWarningConfiguration(), log) match {
      case Right(report) => report.allFiles.distinct.sorted
      case Left(warning) => throw warning.resolveException
    }
  }

  /** What engine/TextTokenizer calls, the exception that this throws, and the natives of one platform. */
  private def tokenizersEntry(platform: WheelPlatform)(name: String): Boolean =
    name.startsWith("ai/djl/huggingface/tokenizers/jni/TokenizersLibrary") ||
      name.startsWith("ai/djl/huggingface/tokenizers/jni/CharSpan") ||
      name == "ai/djl/engine/EngineException.class" ||
      name.startsWith(s"native/lib/${platform.tokenizers}/cpu/") ||
      name.startsWith("META-INF/licenses/")

  /** Classes, notices, and of the natives one platform's alone; on macOS debug symbols lie beside them. */
  private def onnxRuntimeEntry(platform: WheelPlatform)(name: String): Boolean =
    !name.startsWith("ai/onnxruntime/native/") ||
      (name.startsWith(s"ai/onnxruntime/native/${platform.onnxRuntime}/") && !name.contains(".dSYM/"))
}
