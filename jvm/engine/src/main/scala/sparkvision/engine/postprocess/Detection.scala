package sparkvision.engine.postprocess

/** An object that a model found in an image.
  *
  * @param id
  *   of its class
  * @param score
  *   the class's probability, 0 to 1
  */
final case class Detection(id: Int, label: String, score: Float, box: Box)

/** Where an object is, in pixels of the upright original image: 0 is its left or upper edge. A model may place an edge a
  * little outside of the image.
  */
final case class Box(xmin: Float, ymin: Float, xmax: Float, ymax: Float)
