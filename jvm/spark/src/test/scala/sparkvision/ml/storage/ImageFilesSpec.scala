package sparkvision.ml.storage

import java.net.URI
import java.nio.file.{Files, Path}

import org.apache.hadoop.fs.{FileStatus, Path => HadoopPath, RawLocalFileSystem}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.ParameterException
import sparkvision.ml.{LocalSpark, ViTForImageClassification}

class ImageFilesSpec extends AnyFunSuite with LocalSpark {
  private lazy val image = LocalSpark.someDigits(1).head._2

  private def write(file: Path, bytes: Array[Byte] = image): Path = {
    Files.createDirectories(file.getParent)
    Files.write(file, bytes)
  }

  private def paths(folder: String): Seq[String] =
    ImageFiles.list(folder, spark).table.collect().map(_.getString(0)).toSeq

  private def names(folder: Path): Seq[String] =
    paths(folder.toString).map(_.stripPrefix(s"file:${folder.toRealPath()}/")).sorted

  test("empty files, and names that Spark's sources omit, are listed and read") {
    val folder = temporaryFolder().resolve("my photos [1]")
    val usable =
      Seq("_MG_1.png", ".hidden.png", ".x.crc", "_thumbs/x.png", "_temporary/0/y.png", "a b.png", "100%20.png") ++
        Seq("#1 {2}.png", "[1]*?.png", "größe 写真.png", "a:b.png", "line\nbreak.png", "back\\slash.png")
    usable.foreach(name => write(folder.resolve(name)))
    write(folder.resolve("empty.png"), Array.emptyByteArray)
    assert(names(folder) == (usable :+ "empty.png").sorted)
    val vit = ViTForImageClassification.pretrained().setInputCols("path").setErrorCol("error")
    val rows = vit.transform(ImageFiles.list(folder.toString, spark).table).select("path", "error").collect()
    val bad = rows.filter(!_.isNullAt(1)).map(row => row.getString(0).split('/').last -> row.getString(1)).toMap
    assert(bad.keySet == Set("empty.png") && bad("empty.png").contains("the file is empty (0 bytes)"))
  }

  test("paths are written as binaryFile writes them") {
    val folder = LocalSpark.fixtures.resolve("digits/3").toString
    val expected =
      spark.read.format("binaryFile").load(folder).select("path").collect().map(_.getString(0)).sorted.toSeq
    assert(paths(folder) == expected)
  }

  test("links are followed, each folder once, and a dangling link is a row with its reason") {
    val root = temporaryFolder()
    // Each of ten folders links to all others and to the root. Following every link would give millions of paths.
    val folders = (0 until 10).map(i => root.resolve(s"f$i"))
    folders.foreach(folder => write(folder.resolve("x.png")))
    folders.foreach(from => folders.foreach(to => Files.createSymbolicLink(from.resolve(s"to-${to.getFileName}"), to)))
    folders.foreach(from => Files.createSymbolicLink(from.resolve("up"), root))
    val elsewhere = write(temporaryFolder().resolve("y.png")).getParent
    Files.createSymbolicLink(root.resolve("elsewhere"), elsewhere)
    Files.createSymbolicLink(root.resolve("nowhere.png"), root.resolve("gone.png"))
    Files.createSymbolicLink(root.resolve("itself.png"), root.resolve("itself.png"))
    val own = (0 until 10).map(i => s"f$i/x.png")
    assert(names(root) == (own ++ Seq("elsewhere/y.png", "itself.png", "nowhere.png")).sorted)
    val vit = ViTForImageClassification.pretrained().setInputCols("path").setErrorCol("error")
    val rows = vit.transform(ImageFiles.list(root.toString, spark).table).where("error IS NOT NULL").collect()
    assert(rows.map(_.getAs[String]("error")).forall(_.contains("does not exist")) && rows.length == 2)
  }

  test("a folder of the exact name has priority over a pattern, which is expanded if there is no such folder") {
    val root = temporaryFolder().toRealPath()
    write(root.resolve("2024-[12]/literal.png"))
    write(root.resolve("2024-1/one.png"))
    write(root.resolve("2024-2/_two.png"))
    assert(paths(s"$root/2024-[12]") == Seq(s"file:$root/2024-[12]/literal.png"))
    assert(paths(s"$root/2024-?") == Seq(s"file:$root/2024-1/one.png", s"file:$root/2024-2/_two.png"))
  }

  test("a folder on another file system is listed with all names") {
    spark.sparkContext.hadoopConfiguration.set("fs.pond.impl", classOf[PondFileSystem].getName)
    val root = temporaryFolder().toRealPath()
    val files = Seq(".hidden.png", "[1]/x.png", "_MG_1.png", "_thumbs/y.png", "empty.png")
    files.foreach(name => write(root.resolve(name), if (name == "empty.png") Array.emptyByteArray else image))
    assert(paths(s"pond:$root") == files.map(name => s"pond:$root/$name"))
    assert(paths(s"pond:$root/[1]") == Seq(s"pond:$root/[1]/x.png"))
    assert(paths(s"pond:$root/_*") == Seq(s"pond:$root/_MG_1.png", s"pond:$root/_thumbs/y.png"))
  }

  test("a single file is listed") {
    val file = write(temporaryFolder().toRealPath().resolve("cat.png"))
    assert(paths(file.toString) == Seq(s"file:$file"))
  }

  test("tasks get few files, in order, so that all cores have work") {
    val root = temporaryFolder()
    (0 until 50).foreach(i => write(root.resolve(f"$i%02d.png")))
    def tasks = ImageFiles.list(root.toString, spark).table.rdd.glom().collect().map(_.map(_.getString(0)))
    assert(tasks.length >= spark.sparkContext.defaultParallelism)
    spark.conf.set("spark.sql.files.maxPartitionBytes", "32m")
    try {
      val small = tasks
      assert(small.forall(_.length <= 8) && small.length >= 7)
      assert(small.flatten.toSeq == small.flatten.sorted.toSeq && small.flatten.length == 50)
    } finally spark.conf.unset("spark.sql.files.maxPartitionBytes")
  }

  test("a folder that cannot be listed is refused with the reason") {
    def refusal(folder: String) = intercept[ParameterException](ImageFiles.list(folder, spark)).getMessage
    val empty = temporaryFolder()
    assert(refusal(s"$empty/nowhere").contains("there is no such folder or file"))
    assert(refusal(s"$empty/no*").contains("there is no such folder or file"))
    assert(refusal(empty.toString).contains("holds no files"))
    assert(refusal("foo://host/x").contains("no file system for the scheme 'foo'"))
    assert(refusal("hdfs://no-such-host.invalid/x").contains("no host is known as no-such-host.invalid"))
    assert(refusal("s3a://lake/x").contains("no file system for the scheme 's3a'"))
    assert(refusal("a:b").contains("'a:b' is not a path or URI"))
  }
}

/** This machine's disk as if it were another file system: with Hadoop's own listing of files below a folder. */
class PondFileSystem extends RawLocalFileSystem {
  override def getScheme: String = "pond"
  override def getUri: URI = URI.create("pond:///")

  /** Without the permissions, which are looked up for `file:` only. */
  override def listStatus(path: HadoopPath): Array[FileStatus] = super.listStatus(path).map { status =>
    new FileStatus(status.getLen, status.isDirectory, 1, status.getBlockSize, 0L, status.getPath)
  }
}
