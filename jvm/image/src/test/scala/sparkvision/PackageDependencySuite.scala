package sparkvision

import java.nio.file.{Files, Path}

import scala.jdk.CollectionConverters._
import scala.util.Using

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.Fixtures

/** The order of the packages, as docs/design.md describes it: a package uses only packages that stand before it. */
class PackageDependencySuite extends AnyFunSuite {
  import PackageDependencySuite._

  private val sources: Seq[Source] =
    Modules.flatMap(module => sourcesOf(Fixtures.repository.resolve(s"jvm/$module/src/main")))

  test("every source file lies in a package of the table, in the folder and the module of this package") {
    val misplaced = sources.filterNot(source => Packages.exists(_.isHomeOf(source)))
    assert(
      misplaced.isEmpty,
      listed(misplaced.map(source => s"${source.file} is in the package ${source.packageName}"))
    )
  }

  test("a package imports only packages that stand before it in the table, so that there is no cycle") {
    val forbidden = for {
      source <- sources
      used <- source.usedPackages
      if position(used) > position(source.packageName)
    } yield s"${source.file} is in ${source.packageName} and uses $used"
    assert(forbidden.isEmpty, listed(forbidden))
  }

  test("a library that one package wraps is imported by this package only") {
    val leaks = for {
      source <- sources
      library <- Libraries
      if !library.users.contains(source.packageName)
      if source.imports.exists(name => library.prefixes.exists(name.startsWith))
    } yield s"${source.file} imports ${library.prefixes.mkString(" or ")}, which belongs to ${library.users.mkString(", ")}"
    assert(leaks.isEmpty, listed(leaks))
  }

  test("no package but that of the public stages holds more than 20 files") {
    val crowded = sources.groupBy(_.packageName).toSeq.collect {
      case (name, files) if files.size > MostFiles && name != PublicStages => s"$name has ${files.size} files"
    }
    assert(crowded.isEmpty, listed(crowded))
  }
}

private object PackageDependencySuite {
  val Modules = Seq("image", "engine", "spark")
  val MostFiles = 20

  /** One file for each public stage: their names and their package are part of the file format. */
  val PublicStages = "sparkvision.ml"

  final case class Package(module: String, name: String) {
    def isHomeOf(source: Source): Boolean =
      source.packageName == name && source.file.startsWith(s"jvm/$module/") &&
        source.file.contains(s"/${name.replace('.', '/')}/${source.file.split('/').last}")
  }

  val Packages: Seq[Package] = Seq(
    "image" -> "sparkvision.image",
    "image" -> "sparkvision.image.codec.format",
    "image" -> "sparkvision.image.codec.color",
    "image" -> "sparkvision.image.codec.tiff",
    "image" -> "sparkvision.image.codec",
    "image" -> "sparkvision.image.resample",
    "image" -> "sparkvision.image.preprocess",
    "image" -> "sparkvision.image.hash",
    "engine" -> "sparkvision.engine.bundle",
    "engine" -> "sparkvision.engine.runtime",
    "engine" -> "sparkvision.engine.session",
    "engine" -> "sparkvision.engine.postprocess",
    "engine" -> "sparkvision.engine.text",
    "engine" -> "sparkvision.engine.similarity",
    "engine" -> "sparkvision.engine.pipeline",
    "engine" -> "sparkvision.engine",
    "spark" -> "org.apache.spark.sparkvision",
    "spark" -> "org.apache.spark.sql.sparkvision",
    "spark" -> "sparkvision.ml.param",
    "spark" -> "sparkvision.ml.column",
    "spark" -> "sparkvision.ml.storage",
    "spark" -> "sparkvision.ml.metrics",
    "spark" -> "sparkvision.ml.model",
    "spark" -> "sparkvision.ml.output",
    "spark" -> "sparkvision.ml.task",
    "spark" -> "sparkvision.ml.plan",
    "spark" -> "sparkvision.ml.stage",
    "spark" -> "sparkvision.ml.similarity",
    "spark" -> "sparkvision.ml.dedup",
    "spark" -> PublicStages
  ).map { case (module, name) => Package(module, name) }

  final case class Library(prefixes: Seq[String], users: Seq[String])

  /** Catalyst and the other internals of Spark change with each of its versions; natives are loaded in one place. */
  val Libraries: Seq[Library] = Seq(
    Library(Seq("org.bytedeco.opencv", "org.bytedeco.openblas"), Seq("sparkvision.image.codec")),
    Library(Seq("ai.onnxruntime"), Seq("sparkvision.engine.runtime")),
    Library(Seq("org.apache.lucene"), Seq("sparkvision.engine.similarity")),
    Library(Seq("ai.djl"), Seq("sparkvision.engine.text")),
    Library(
      Seq("catalyst", "execution", "classic", "internal").map("org.apache.spark.sql." + _),
      Seq("sparkvision.ml.plan", "sparkvision.ml.dedup", "org.apache.spark.sql.sparkvision")
    )
  )

  def position(name: String): Int = Packages.indexWhere(_.name == name)

  /** @param file
    *   relative to the repository
    */
  final case class Source(file: String, text: String) {
    private val code = Comment.replaceAllIn(text, "")

    val packageName: String = PackageLine.findFirstMatchIn(code).fold("")(_.group(1))

    /** What the file imports, with its full name; a name of this file that is written in full counts as imported. */
    val imports: Seq[String] = {
      val imported = ImportLine.findAllMatchIn(code).flatMap { found =>
        val names = Option(found.group(2)).fold(Seq(""))(_.split(",").map(_.trim.takeWhile(_ != ' ')).toSeq)
        names.map(name => (found.group(1) + name).stripSuffix("."))
      }
      imported.toSeq ++ FullName.findAllIn(code)
    }

    /** The packages of this project whose members the file names, imported or in full. */
    val usedPackages: Seq[String] = {
      val named = Qualified.findAllMatchIn(PackageLine.replaceAllIn(code, "")).map(_.group(1))
      named.filter(name => Packages.exists(_.name == name)).toSeq.distinct.filterNot(_ == packageName)
    }
  }

  private val Comment = """(?s)/\*.*?\*/|//[^\n]*""".r
  private val PackageLine = """(?m)^package ([\w.]+);?$""".r
  private val ImportLine = """(?m)^\s*import ([\w.]+)(?:\{([^}]*)\})?""".r
  private val FullName = """\b(?:org\.(?:apache|bytedeco)|ai)\.[\w.]+""".r
  private val Qualified = """\b((?:org\.apache\.spark(?:\.sql)?\.)?sparkvision(?:\.[a-z]\w*)*)\.[{A-Z_]""".r

  def sourcesOf(folder: Path): Seq[Source] =
    Using.resource(Files.walk(folder)) { paths =>
      paths.iterator.asScala
        .filter(path => path.toString.endsWith(".scala") || path.toString.endsWith(".java"))
        .map(path => Source(Fixtures.repository.relativize(path).toString, Files.readString(path)))
        .toVector
    }

  def listed(problems: Seq[String]): String = problems.sorted.mkString("\n", "\n", "")
}
