package sparkvision.ml

import java.nio.file.{Files, Path}

import org.apache.spark.sql.{DataFrame, SparkSession}
import org.scalatest.{BeforeAndAfterAll, Suite}

/** A local Spark session for a suite, and the images that the tests share. */
trait LocalSpark extends BeforeAndAfterAll { this: Suite =>
  protected lazy val spark: SparkSession = LocalSpark.session

  protected def digits: DataFrame = spark.read
    .format("binaryFile")
    .option("recursiveFileLookup", "true")
    .option("pathGlobFilter", "*.png")
    .load(LocalSpark.fixtures.resolve("digits").toString)

  /** A few good images and a broken one, as (name, bytes). */
  protected def mixed: DataFrame = {
    val good = LocalSpark.someDigits(4)
    val broken = "broken.png" -> good.head._2.take(40)
    val rows = (good.take(2) :+ broken) ++ good.drop(2) :+ ("nothing.png" -> null.asInstanceOf[Array[Byte]])
    spark.createDataFrame(rows).toDF("path", "content").coalesce(1)
  }

  protected def temporaryFolder(): Path = Files.createTempDirectory("sparkvision-test")
}

object LocalSpark {
  lazy val session: SparkSession = SparkSession
    .builder()
    .master("local[2]")
    .appName("sparkvision tests")
    .config("spark.ui.enabled", "false")
    .config("spark.sql.shuffle.partitions", "2")
    .getOrCreate()

  /** tests/fixtures, shared with the Python tests. */
  lazy val fixtures: Path = {
    val start = Path.of("").toAbsolutePath
    Iterator
      .iterate(start)(_.getParent)
      .takeWhile(_ != null)
      .find(folder => Files.exists(folder.resolve("VERSION")))
      .getOrElse(throw new IllegalStateException(s"no folder above $start holds VERSION"))
      .resolve("tests/fixtures")
  }

  /** The first held-out images of digits: name and bytes. */
  def someDigits(count: Int): Seq[(String, Array[Byte])] = {
    val files = Files.walk(fixtures.resolve("digits")).filter(_.toString.endsWith(".png")).sorted.limit(count.toLong)
    files.toArray.toSeq.map(_.asInstanceOf[Path]).map(file => file.getFileName.toString -> Files.readAllBytes(file))
  }
}
