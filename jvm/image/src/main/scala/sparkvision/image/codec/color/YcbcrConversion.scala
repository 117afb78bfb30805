package sparkvision.image.codec.color

/** Converts luminance and chrominance to RGB with Pillow's integer arithmetic (`ConvertYCbCr.c`): 6 fractional bits. */
private[sparkvision] object YcbcrConversion {
  private val Bits = 6

  private def table(factor: Double): Array[Int] =
    Array.tabulate(256)(chrominance => (factor * (1 << Bits) * (chrominance - 128) + 0.5).toInt)

  private val redOfRed = table(1.402)
  private val greenOfBlue = table(-0.34414)
  private val greenOfRed = table(-0.71414)
  private val blueOfBlue = table(1.772)

  /** Converts an image to RGB.
    *
    * @param samples
    *   luminance, blue and red chrominance of each pixel
    */
  def toRgb(samples: Array[Byte]): Array[Byte] = {
    val rgb = new Array[Byte](samples.length)
    var i = 0
    while (i < samples.length) {
      val luminance = samples(i) & 0xff
      val (blue, red) = (samples(i + 1) & 0xff, samples(i + 2) & 0xff)
      rgb(i) = clipped(luminance + (redOfRed(red) >> Bits))
      rgb(i + 1) = clipped(luminance + ((greenOfBlue(blue) + greenOfRed(red)) >> Bits))
      rgb(i + 2) = clipped(luminance + (blueOfBlue(blue) >> Bits))
      i += 3
    }
    rgb
  }

  private def clipped(value: Int): Byte = math.max(0, math.min(255, value)).toByte
}
