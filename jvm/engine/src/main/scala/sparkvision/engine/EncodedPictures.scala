package sparkvision.engine

import scala.reflect.ClassTag

/** A model's results for arrays of picture files, for Java and for scripts. Every method throws for the first picture that
  * cannot be used.
  */
trait EncodedPictures { this: LocalModel =>
  import EncodedPictures.all

  /** What the session is fed, of encoded pictures.
    *
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def preprocess(pictures: Array[Array[Byte]]): Array[Array[Float]] = all(
    preprocessed(pictures.iterator)(Picture.Encoded)
  )

  /** The logits of encoded pictures, one for each label.
    *
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def logits(pictures: Array[Array[Byte]]): Array[Array[Float]] = all(logits(pictures.iterator)(Picture.Encoded))

  /** The best labels of encoded pictures, best first.
    *
    * @param topK
    *   labels a picture, at most
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def predict(pictures: Array[Array[Byte]], topK: Int): Array[Array[ScoredLabel]] =
    all(best(pictures.iterator, topK)(Picture.Encoded)).map(_.toArray)

  /** The embeddings of encoded pictures, `embeddingSize` numbers each.
    *
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def embed(pictures: Array[Array[Byte]]): Array[Array[Float]] = all(embeddings(pictures.iterator)(Picture.Encoded))

  /** The objects in encoded pictures, best first; of detection models.
    *
    * @throws ImageException
    *   for the first picture that cannot be used, with its index and the reason
    */
  def detect(pictures: Array[Array[Byte]]): Array[Array[Detection]] =
    all(detections(pictures.iterator)(Picture.Encoded)).map(_.toArray)
}

private object EncodedPictures {

  /** Every result, or the first reason why there is none. */
  private def all[R: ClassTag](results: Iterator[(Array[Byte], Either[String, R])]): Array[R] =
    results.zipWithIndex.map {
      case ((_, Right(result)), _) => result
      case ((_, Left(reason)), index) => throw new ImageException(s"picture $index: $reason")
    }.toArray
}
