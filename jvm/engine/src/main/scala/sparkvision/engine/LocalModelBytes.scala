package sparkvision.engine

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.{ByteBuffer, ByteOrder}

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.ObjectNode

import sparkvision.engine.bundle.ModelTask
import sparkvision.engine.postprocess.{Detection, ScoredLabel}
import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.{ImageInput, PackedImages}

/** [[LocalModel]] for a caller in another process: any number of images are passed as one byte array, and so are the floats
  * of their results.
  *
  * Images are passed as [[PackedImages]]. All numbers of a result are little-endian. For each image it has the length of the
  * reason why the image has no result (int32, 0 if it has one) and the reason in UTF-8; after the last image it has the
  * float32 values of the images that have a result, in order.
  *
  * Where a method takes `topK`, 0 and negative numbers mean unset: one label for a single-label model; all labels at or
  * above the threshold for a multi-label model; all objects above the threshold for a detection model.
  */
final class LocalModelBytes(model: LocalModel) extends AutoCloseable {
  import LocalModelBytes._

  def bundleHash: String = model.bundle.bundleHash
  def inputShape: Array[Int] = model.inputShape.toArray
  def embeddingSize: Int = model.embeddingSize

  /** The names of the classes; for a zero-shot model the labels from which it chooses. */
  def labels: Array[String] = {
    val manifest = model.bundle.manifest
    model.settings.candidateLabels.fold(manifest.labels)(_.in(manifest).labels).toArray
  }

  /** The values that the model is given: for each image as many floats as the product of [[inputShape]]. */
  def preprocess(images: Array[Byte]): Array[Byte] = pack(
    model.preprocessed(PackedImages.unpack(images))(image).map(_._2)
  )

  /** Logits, one float for each label. */
  def logits(images: Array[Byte]): Array[Byte] = pack(model.logits(PackedImages.unpack(images))(image).map(_._2))

  /** Embeddings, [[embeddingSize]] floats for each image. */
  def embed(images: Array[Byte]): Array[Byte] = pack(model.embeddings(PackedImages.unpack(images))(image).map(_._2))

  /** Rows and columns of an attention rollout. */
  def attentionRolloutShape: Array[Int] = model.attentionRolloutShape.toArray

  /** Attention rollouts: for each image as many floats as the product of [[attentionRolloutShape]]. */
  def attentionRollouts(images: Array[Byte]): Array[Byte] =
    pack(model.attentionRollouts(PackedImages.unpack(images))(image).map(_._2))

  /** A JSON array with an object for each image: `{"error"}`, or `{"height", "width"}` and, depending on the task of
    * the model, `"best": [{"id", "label", "score"}, ...]`, `"embedding": [...]` or
    * `"objects": [{"id", "label", "score", "xmin", "ymin", "xmax", "ymax"}, ...]`.
    */
  def annotate(images: Array[Byte]): String = {
    val answers = mapper.createArrayNode()
    results(images).foreach {
      case (_, Left(reason)) => answers.addObject().put("error", reason)
      case (bytes, Right(describe)) =>
        val header = ImageHeader.read(bytes)
        describe(answers.addObject().put("height", header.uprightHeight).put("width", header.uprightWidth))
    }
    answers.toString
  }

  /** A JSON array with an object for each image: `{"error"}`, or `{"best": [{"id", "label", "score"}, ...]}`.
    *
    * @param topK
    *   labels of each image, at most; 0 or less: as the settings specify
    */
  def predict(images: Array[Byte], topK: Int): String = {
    val answers = mapper.createArrayNode()
    model.best(PackedImages.unpack(images), ifSet(topK).orElse(model.settings.topK))(image).foreach {
      case (_, Left(reason)) => answers.addObject().put("error", reason)
      case (_, Right(best)) => writeBest(best, answers.addObject())
    }
    answers.toString
  }

  /** A JSON array with an object for each image: `{"error"}`, or `{"objects"}` as in [[annotate]]; for detection models.
    *
    * @param threshold
    *   objects with a higher score are returned; null: the threshold of the settings
    * @param topK
    *   objects of each image, at most; 0 or less: as the settings specify
    * @throws ParameterException
    *   when the threshold is not between 0 and 1
    */
  def detect(images: Array[Byte], threshold: java.lang.Double, topK: Int): String = {
    val lowest = Option(threshold).fold(model.settings.threshold)(_.doubleValue)
    val answers = mapper.createArrayNode()
    model.objects(PackedImages.unpack(images), lowest, ifSet(topK).orElse(model.settings.topK))(image).foreach {
      case (_, Left(reason)) => answers.addObject().put("error", reason)
      case (_, Right(detections)) => writeObjects(detections)(answers.addObject())
    }
    answers.toString
  }

  /** Each image with a function that writes its result into a JSON object. */
  private def results(images: Array[Byte]): Iterator[(Array[Byte], Either[String, ObjectNode => Unit])] =
    model.bundle.manifest.task match {
      case ModelTask.ImageClassification => labelled(images)
      case ModelTask.ZeroShotImageClassification if model.settings.candidateLabels.nonEmpty => labelled(images)
      case ModelTask.FeatureExtraction | ModelTask.ZeroShotImageClassification => embedded(images)
      case ModelTask.ObjectDetection =>
        model.detections(PackedImages.unpack(images))(image).map { case (bytes, result) =>
          bytes -> result.map(writeObjects)
        }
    }

  private def labelled(images: Array[Byte]): Iterator[(Array[Byte], Either[String, ObjectNode => Unit])] =
    model.predictions(PackedImages.unpack(images))(image).map { case (bytes, result) =>
      bytes -> result.map(prediction => writeBest(prediction.best, _))
    }

  private def embedded(images: Array[Byte]): Iterator[(Array[Byte], Either[String, ObjectNode => Unit])] =
    model.embeddings(PackedImages.unpack(images))(image).map { case (bytes, result) =>
      bytes -> result.map(embedding => writeEmbedding(embedding, _))
    }

  private def writeBest(labels: Seq[ScoredLabel], answer: ObjectNode): Unit = {
    val best = answer.putArray("best")
    labels.foreach(b => best.addObject().put("id", b.id).put("label", b.label).put("score", b.score.toFloat))
  }

  private def writeEmbedding(embedding: Array[Float], answer: ObjectNode): Unit = {
    val numbers = answer.putArray("embedding")
    embedding.foreach(numbers.add)
  }

  private def writeObjects(detections: Seq[Detection])(answer: ObjectNode): Unit = {
    val objects = answer.putArray("objects")
    detections.foreach { found =>
      val one = objects.addObject().put("id", found.id).put("label", found.label).put("score", found.score)
      one.put("xmin", found.box.xmin.toFloat).put("ymin", found.box.ymin.toFloat)
      one.put("xmax", found.box.xmax.toFloat).put("ymax", found.box.ymax.toFloat)
    }
  }

  override def close(): Unit = model.close()
}

object LocalModelBytes {
  private val mapper = new ObjectMapper

  private def image(bytes: Array[Byte]): ImageInput = ImageInput.Encoded(bytes)

  private def ifSet(topK: Int): Option[Int] = Option.when(topK > 0)(topK)

  /** The model of a bundle, with the default settings.
    *
    * @param uri
    *   a bundle's folder, or `embedded:NAME`
    */
  def open(uri: String): LocalModelBytes = new LocalModelBytes(LocalModel.open(uri))

  /** The model of a bundle, with settings in JSON, as [[LocalModel.openWith]] reads them. */
  def openWith(uri: String, settings: String): LocalModelBytes = new LocalModelBytes(LocalModel.openWith(uri, settings))

  private def pack(results: Iterator[Either[String, Array[Float]]]): Array[Byte] = {
    val all = results.toIndexedSeq
    val reasons = all.map(_.left.toOption.fold(Array.emptyByteArray)(_.getBytes(UTF_8)))
    val floats = all.flatMap(_.toOption)
    val out = ByteBuffer
      .allocate(reasons.map(4 + _.length).sum + floats.map(4 * _.length).sum)
      .order(ByteOrder.LITTLE_ENDIAN)
    reasons.foreach(reason => out.putInt(reason.length).put(reason))
    floats.foreach { one =>
      out.asFloatBuffer.put(one)
      out.position(out.position() + 4 * one.length)
    }
    out.array
  }
}
