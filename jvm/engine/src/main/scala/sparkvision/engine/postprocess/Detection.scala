package sparkvision.engine.postprocess

import sparkvision.image.Box

/** An object that a model found in an image.
  *
  * @param id
  *   of its class
  * @param score
  *   the class's probability, 0 to 1
  * @param box
  *   where the object is in the upright image. The edges are those that the model returns in 32 bits; they may lie a little
  *   outside of the image
  */
final case class Detection(id: Int, label: String, score: Float, box: Box)
