package sparkvision.engine

import scala.reflect.ClassTag

import sparkvision.engine.postprocess.{Detection, ScoredLabel}
import sparkvision.image.{ImageException, ImageInput}

/** A model's results for arrays of image files, for Java and for scripts. Every method throws for the first image that
  * cannot be used.
  */
trait EncodedImages { this: LocalModel =>
  import EncodedImages.all

  /** What the session is fed, of encoded images.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def preprocess(images: Array[Array[Byte]]): Array[Array[Float]] = all(
    preprocessed(images.iterator)(ImageInput.Encoded)
  )

  /** The logits of encoded images, one for each label.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def logits(images: Array[Array[Byte]]): Array[Array[Float]] = all(logits(images.iterator)(ImageInput.Encoded))

  /** The best labels of encoded images, best first.
    *
    * @param topK
    *   labels an image, at most
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def predict(images: Array[Array[Byte]], topK: Int): Array[Array[ScoredLabel]] =
    all(best(images.iterator, topK)(ImageInput.Encoded)).map(_.toArray)

  /** The embeddings of encoded images, `embeddingSize` numbers each.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def embed(images: Array[Array[Byte]]): Array[Array[Float]] = all(embeddings(images.iterator)(ImageInput.Encoded))

  /** The objects in encoded images, best first; of detection models.
    *
    * @throws ImageException
    *   for the first image that cannot be used, with its index and the reason
    */
  def detect(images: Array[Array[Byte]]): Array[Array[Detection]] =
    all(detections(images.iterator)(ImageInput.Encoded)).map(_.toArray)
}

private object EncodedImages {

  /** Every result, or the first reason why there is none. */
  private def all[R: ClassTag](results: Iterator[(Array[Byte], Either[String, R])]): Array[R] =
    results.zipWithIndex.map {
      case ((_, Right(result)), _) => result
      case ((_, Left(reason)), index) => throw new ImageException(s"image $index: $reason")
    }.toArray
}
