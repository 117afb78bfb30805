package sparkvision.engine

import java.nio.charset.StandardCharsets.UTF_8
import java.nio.{ByteBuffer, ByteOrder}

import com.fasterxml.jackson.databind.ObjectMapper
import com.fasterxml.jackson.databind.node.ObjectNode

import sparkvision.engine.bundle.{ModelBundle, ModelTask}
import sparkvision.engine.pipeline.{ModelSettings, ModelSettingsReader}
import sparkvision.engine.postprocess.{Detection, Pooling, ScoredLabel}
import sparkvision.engine.runtime.SessionConfig
import sparkvision.image.codec.DecodeMode
import sparkvision.image.codec.format.ImageHeader
import sparkvision.image.{ImageInput, PackedImages}

/** [[LocalModel]] for a caller in another process: any number of images cross as one byte array, and so do their floats.
  *
  * The images come as [[PackedImages]]. All numbers of an answer are little-endian: for each image the length of the reason
  * why it has no result (int32, 0 when it has one) and the reason in UTF-8; after the last image the float32 of the images
  * that have a result, in order.
  */
final class LocalModelBytes(model: LocalModel) extends AutoCloseable {
  import LocalModelBytes._

  def bundleHash: String = model.bundle.bundleHash
  def inputShape: Array[Int] = model.inputShape.toArray
  def embeddingSize: Int = model.embeddingSize

  /** The names of the classes; of a zero-shot model those to choose among. */
  def labels: Array[String] = {
    val manifest = model.bundle.manifest
    model.settings.candidateLabels.fold(manifest.labels)(_.in(manifest).labels).toArray
  }

  /** What the session is fed: the product of [[inputShape]] floats an image. */
  def preprocess(images: Array[Byte]): Array[Byte] = pack(
    model.preprocessed(PackedImages.unpack(images))(image).map(_._2)
  )

  /** What the session gives: one float a label. */
  def logits(images: Array[Byte]): Array[Byte] = pack(model.logits(PackedImages.unpack(images))(image).map(_._2))

  /** Embeddings, [[embeddingSize]] floats each. */
  def embed(images: Array[Byte]): Array[Byte] = pack(model.embeddings(PackedImages.unpack(images))(image).map(_._2))

  /** Rows and columns of an attention rollout. */
  def attentionRolloutShape: Array[Int] = model.attentionRolloutShape.toArray

  /** What the class tokens drew on: the product of [[attentionRolloutShape]] floats an image. */
  def attentionRollouts(images: Array[Byte]): Array[Byte] =
    pack(model.attentionRollouts(PackedImages.unpack(images))(image).map(_._2))

  /** A JSON array with an object for each image: `{"error"}`, or `{"height", "width"}` and, as the model's task is,
    * `"best": [{"id", "label", "score"}, ...]`, `"embedding": [...]` or
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
    *   labels an image, at most
    */
  def predict(images: Array[Byte], topK: Int): String = {
    val answers = mapper.createArrayNode()
    model.best(PackedImages.unpack(images), topK)(image).foreach {
      case (_, Left(reason)) => answers.addObject().put("error", reason)
      case (_, Right(best)) => writeBest(best, answers.addObject())
    }
    answers.toString
  }

  /** As [[annotate]], of a detection model.
    *
    * @param threshold
    *   objects with a higher score are given
    * @param topK
    *   objects an image, at most; 0: all
    * @throws ParameterException
    *   when the threshold is not between 0 and 1
    */
  def detect(images: Array[Byte], threshold: Double, topK: Int): String = {
    val answers = mapper.createArrayNode()
    model.objects(PackedImages.unpack(images), threshold, Option.when(topK != 0)(topK))(image).foreach {
      case (_, Left(reason)) => answers.addObject().put("error", reason)
      case (_, Right(detections)) => detected(detections)(answers.addObject())
    }
    answers.toString
  }

  /** Each image with what writes its result into a JSON object. */
  private def results(images: Array[Byte]): Iterator[(Array[Byte], Either[String, ObjectNode => Unit])] =
    model.bundle.manifest.task match {
      case ModelTask.ImageClassification => labelled(images)
      case ModelTask.ZeroShotImageClassification if model.settings.candidateLabels.nonEmpty => labelled(images)
      case ModelTask.FeatureExtraction | ModelTask.ZeroShotImageClassification => embedded(images)
      case ModelTask.ObjectDetection =>
        model.detections(PackedImages.unpack(images))(image).map { case (bytes, result) =>
          bytes -> result.map(detected)
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

  private def detected(detections: Seq[Detection])(answer: ObjectNode): Unit = {
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

  /** @param uri
    *   a bundle's folder, or `embedded:NAME`
    * @param pooling
    *   how hidden states become an embedding
    * @param normalize
    *   whether embeddings are divided by their Euclidean length
    * @param decodeMode
    *   exact or fast
    */
  def open(
      uri: String,
      pooling: String = Pooling.Cls.name,
      normalize: Boolean = false,
      decodeMode: String = DecodeMode.Exact.name
  ): LocalModelBytes = {
    val bundle = LocalModel.bundle(uri)
    val settings = ModelSettings(
      batchSize = bundle.manifest.task.batchSize,
      decodeMode = DecodeMode.parse(decodeMode),
      pooling = Pooling.parse(pooling),
      normalize = normalize
    )
    open(bundle, settings)
  }

  /** @param settings
    *   a stage's Params as JSON, as [[ModelSettingsReader]] reads them
    */
  def openWith(uri: String, settings: String): LocalModelBytes =
    open(LocalModel.bundle(uri), ModelSettingsReader.read(settings))

  // Alone on the machine: one run may use every core.
  private def open(bundle: ModelBundle, settings: ModelSettings): LocalModelBytes = {
    val session = SessionConfig(intraOpThreads = LocalModel.cores)
    new LocalModelBytes(new LocalModel(bundle, settings.copy(session = session)))
  }

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
