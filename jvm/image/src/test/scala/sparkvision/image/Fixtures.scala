package sparkvision.image

import java.nio.file.{Files, Path, Paths}
import java.security.MessageDigest

import scala.jdk.CollectionConverters._

import com.fasterxml.jackson.databind.{JsonNode, ObjectMapper}

import sparkvision.image.codec.ImageDecoder

/** The images and references in tests/fixtures, which the Python tests read as well. */
object Fixtures {

  /** The repository's root: the folder that holds VERSION, at or above the working directory. */
  val repository: Path = Iterator
    .iterate(Paths.get("").toAbsolutePath)(_.getParent)
    .takeWhile(_ != null)
    .find(folder => Files.exists(folder.resolve("VERSION")))
    .getOrElse(sys.error("no folder above the working directory holds VERSION"))

  /** The results of Pillow and transformers for the images; tests/fixtures/make_references.py creates them. */
  lazy val references: JsonNode = new ObjectMapper().readTree(path("pixel_references.json").toFile)

  /** Images whose decoded pixels equal Pillow's, by name. */
  lazy val images: Seq[(String, JsonNode)] =
    references.get("pictures").properties.asScala.toSeq.map(entry => entry.getKey -> entry.getValue)

  /** Names of the images that Pillow refuses. */
  lazy val refused: Seq[String] = references.get("refused").elements.asScala.map(_.asText).toSeq

  def path(name: String): Path = repository.resolve("tests/fixtures").resolve(name)

  def bytes(name: String): Array[Byte] = Files.readAllBytes(path(name))

  def pixels(name: String): Pixels = ImageDecoder.decode(bytes(name))

  /** Handwritten digits of 32 x 32 pixels, as files. */
  def digits(count: Int): Seq[Array[Byte]] = {
    val files = Files.walk(path("digits")).filter(_.toString.endsWith(".png")).sorted.limit(count.toLong)
    files.toArray.toSeq.map(file => Files.readAllBytes(file.asInstanceOf[Path]))
  }

  def sha256(data: Array[Byte]): String =
    MessageDigest.getInstance("SHA-256").digest(data).map(byte => f"${byte & 0xff}%02x").mkString
}
