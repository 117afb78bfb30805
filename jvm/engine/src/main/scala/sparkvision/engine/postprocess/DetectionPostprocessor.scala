package sparkvision.engine.postprocess

import sparkvision.engine.bundle.BundleException
import sparkvision.image.{Box, PixelSize}

/** Converts the logits and boxes of a detection model to objects, as transformers' `post_process_object_detection` does:
  * softmax over the classes and "no object", the best class of each query, and boxes in pixels of the original image. The
  * best object comes first.
  *
  * @param threshold
  *   objects with a higher score are reported
  * @param topK
  *   objects of each image, at most; None for all
  */
final private[engine] class DetectionPostprocessor(labels: IndexedSeq[String], threshold: Double, topK: Option[Int]) {
  ClassificationPostprocessor.requireChoice(topK, threshold)

  /** @param logits
    *   queries x (classes + 1), the last for "no object"
    * @param boxes
    *   queries x 4: centre and size as fractions of the image's width and height
    * @param image
    *   size of the upright original image
    * @throws BundleException
    *   when the numbers of logits, boxes and labels do not agree
    */
  def apply(logits: Array[Float], boxes: Array[Float], image: PixelSize): Seq[Detection] = {
    val classes = labels.size + 1
    if (logits.length % classes != 0 || boxes.length != logits.length / classes * 4)
      throw new BundleException(
        s"The model returns ${logits.length} logits and ${boxes.length / 4} boxes for each image, but its bundle has " +
          s"${labels.size} labels. Export it again with `sparkvision export --task object-detection`."
      )
    val found = (0 until logits.length / classes).flatMap { query =>
      val scores = ClassificationPostprocessor.softmax(logits.slice(query * classes, (query + 1) * classes)).init
      ClassificationPostprocessor.largest(scores, 1, Double.NegativeInfinity).headOption.collect {
        // Both values are float32, as in the comparison of torch.
        case id if scores(id).toFloat > threshold.toFloat =>
          Detection(id, labels(id), scores(id).toFloat, box(boxes, query * 4, image))
      }
    }
    val best = found.sortBy(-_.score)
    topK.fold(best)(best.take)
  }

  private def box(boxes: Array[Float], at: Int, image: PixelSize): Box = {
    val (x, y, width, height) = (boxes(at), boxes(at + 1), boxes(at + 2), boxes(at + 3))
    // Computed in 32 bits, as by transformers.
    Box(
      ((x - 0.5f * width) * image.width).toDouble,
      ((y - 0.5f * height) * image.height).toDouble,
      ((x + 0.5f * width) * image.width).toDouble,
      ((y + 0.5f * height) * image.height).toDouble
    )
  }
}

/** An object that a model found in an image.
  *
  * @param id
  *   id of its class
  * @param score
  *   probability of the class, 0 to 1
  * @param box
  *   where the object is in the upright image. The edges are the float32 values of the model; they may be slightly outside
  *   of the image
  */
final case class Detection(id: Int, label: String, score: Float, box: Box)
