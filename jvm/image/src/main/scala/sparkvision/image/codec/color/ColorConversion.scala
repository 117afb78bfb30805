package sparkvision.image.codec.color

/** Converts inks to RGB with Pillow's integer arithmetic (`Convert.c`, cmyk2rgb), which uses no colour profile. */
private[sparkvision] object CmykConversion {

  /** Converts cyan, magenta, yellow and black to RGB.
    *
    * @param samples
    *   the four inks of each pixel (255 is full ink); further samples of a pixel are ignored
    * @param channels
    *   samples of each pixel; at least 4
    */
  def toRgb(samples: Array[Byte], channels: Int): Array[Byte] = {
    val rgb = new Array[Byte](samples.length / channels * 3)
    var pixel = 0
    while (pixel < rgb.length / 3) {
      val light = 255 - (samples(pixel * channels + 3) & 0xff)
      var channel = 0
      while (channel < 3) {
        rgb(pixel * 3 + channel) = (light - dividedBy255(light * (samples(pixel * channels + channel) & 0xff))).toByte
        channel += 1
      }
      pixel += 1
    }
    rgb
  }

  /** Divides a product of two bytes by 255 and rounds, as Pillow's MULDIV255 does. */
  private def dividedBy255(product: Int): Int = {
    val rounded = product + 128
    ((rounded >> 8) + rounded) >> 8
  }

  /** Inverts the samples in place. */
  def invert(samples: Array[Byte]): Unit = {
    var i = 0
    while (i < samples.length) {
      samples(i) = (~samples(i)).toByte
      i += 1
    }
  }

  /** Converts luminance and chrominance to cyan, magenta and yellow in place, with libjpeg's integer arithmetic (jdcolor.c,
    * ycck_cmyk_convert): 16 fractional bits, rounded. Black does not change.
    */
  def fromYcck(samples: Array[Byte]): Unit = {
    var i = 0
    while (i < samples.length) {
      val luminance = samples(i) & 0xff
      val blue = (samples(i + 1) & 0xff) - 128
      val red = (samples(i + 2) & 0xff) - 128
      samples(i) = clipped(255 - (luminance + ((fixed(1.402) * red + Half) >> Bits)))
      samples(i + 1) = clipped(255 - (luminance + ((-fixed(0.34414) * blue - fixed(0.71414) * red + Half) >> Bits)))
      samples(i + 2) = clipped(255 - (luminance + ((fixed(1.772) * blue + Half) >> Bits)))
      i += 4
    }
  }

  private val Bits = 16
  private val Half = 1 << (Bits - 1)

  private def fixed(factor: Double): Int = (factor * (1 << Bits) + 0.5).toInt

  private def clipped(value: Int): Byte = math.max(0, math.min(255, value)).toByte
}

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
