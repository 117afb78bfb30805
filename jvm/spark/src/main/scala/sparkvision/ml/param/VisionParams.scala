package sparkvision.ml.param

import org.apache.spark.ml.param._

import sparkvision.image.codec.{DecodeMode, ImageDecoder}
import sparkvision.image.preprocess.ProcessorOverrides
import sparkvision.image.resample.ResizeBackend
import sparkvision.ml.param.AllowedValues.{NumberFrom, OneOf}

/** Where images come from. */
trait ImageInputParams extends Params {

  final val originCol: Param[String] = new Param(
    this,
    "originCol",
    "string column with the name of each image for messages and annotations (unset: the column path, if there is one)"
  )
  def setOriginCol(value: String): this.type = set(originCol, value)
  def getOriginCol: Option[String] = get(originCol)
}

/** The input columns, named as in the annotators of Spark NLP. */
trait HasInputCols extends Params {

  private[ml] def inputColsDoc: String =
    "column of the images: image annotations, encoded bytes, binaryFile or image structs, or paths"

  final val inputCols: StringArrayParam = new StringArrayParam(
    this,
    "inputCols",
    inputColsDoc
  )
  def setInputCols(value: Array[String]): this.type = set(inputCols, value)
  def setInputCols(first: String, more: String*): this.type = set(inputCols, (first +: more).toArray)
  def getInputCols: Array[String] = $(inputCols)
}

trait HasOutputCol extends Params {
  final val outputCol: Param[String] = new Param(this, "outputCol", "column to add with annotations (unset: none)")
  def setOutputCol(value: String): this.type = set(outputCol, value)
  def getOutputCol: Option[String] = get(outputCol)
}

trait HasErrorCol extends Params {
  final val errorCol: Param[String] =
    new Param(this, "errorCol", "column to add with the reason why an image has no result, or null (unset: none)")
  def setErrorCol(value: String): this.type = set(errorCol, value)
  def getErrorCol: Option[String] = get(errorCol)
}

/** What a user can change in the bundle's preprocessing. An unset Param keeps the value of the bundle's
  * preprocessor_config.json.
  */
trait PreprocessingParams extends Params {

  final val size: IntParam = new IntParam(
    this,
    "size",
    "size in pixels to resize to: both sides, or the shortest edge if the bundle's processor uses that (unset: the bundle's)",
    NumberFrom("size", 1)
  )
  final val cropSize: IntParam =
    new IntParam(this, "cropSize", "side of the centre crop in pixels (unset: the bundle's)", NumberFrom("cropSize", 1))
  final val height: IntParam =
    new IntParam(
      this,
      "height",
      "height in pixels to resize to, before any crop (unset: the bundle's)",
      NumberFrom("height", 1)
    )
  final val width: IntParam =
    new IntParam(
      this,
      "width",
      "width in pixels to resize to, before any crop (unset: the bundle's)",
      NumberFrom("width", 1)
    )
  final val doResize: BooleanParam =
    new BooleanParam(this, "doResize", "whether images are resized (unset: the bundle's)")
  final val doCenterCrop: BooleanParam =
    new BooleanParam(this, "doCenterCrop", "whether images are cropped at the centre (unset: the bundle's)")
  final val doRescale: BooleanParam =
    new BooleanParam(this, "doRescale", "whether pixel values are multiplied by rescaleFactor (unset: the bundle's)")
  final val doNormalize: BooleanParam =
    new BooleanParam(
      this,
      "doNormalize",
      "whether images are normalized with imageMean and imageStd (unset: the bundle's)"
    )
  final val resample: IntParam = new IntParam(
    this,
    "resample",
    "Pillow's resampling filter: 0 nearest, 1 lanczos, 2 bilinear, 3 bicubic, 4 box, 5 hamming (unset: the bundle's)",
    NumberFrom("resample", 0, Some(5))
  )
  final val resizeBackend: Param[String] = new Param(
    this,
    "resizeBackend",
    "library whose rounding the resize follows: pillow, as the slow Hugging Face processors, or torchvision, as the fast processors (unset: " +
      "the bundle's)",
    OneOf("resizeBackend", ResizeBackend.all.map(_.name))
  )
  final val imageMean: DoubleArrayParam =
    new DoubleArrayParam(
      this,
      "imageMean",
      "mean of each channel, which is subtracted after rescaling (unset: the bundle's)"
    )
  final val imageStd: DoubleArrayParam =
    new DoubleArrayParam(
      this,
      "imageStd",
      "standard deviation of each channel, by which the difference is divided (unset: the bundle's)"
    )
  final val rescaleFactor: DoubleParam =
    new DoubleParam(
      this,
      "rescaleFactor",
      "factor by which pixel values are multiplied, usually 1/255 (unset: the bundle's)"
    )

  def setSize(value: Int): this.type = set(size, value)
  def getSize: Option[Int] = get(size)
  def setCropSize(value: Int): this.type = set(cropSize, value)
  def getCropSize: Option[Int] = get(cropSize)
  def setHeight(value: Int): this.type = set(height, value)
  def getHeight: Option[Int] = get(height)
  def setWidth(value: Int): this.type = set(width, value)
  def getWidth: Option[Int] = get(width)
  def setDoResize(value: Boolean): this.type = set(doResize, value)
  def getDoResize: Option[Boolean] = get(doResize)
  def setDoCenterCrop(value: Boolean): this.type = set(doCenterCrop, value)
  def getDoCenterCrop: Option[Boolean] = get(doCenterCrop)
  def setDoRescale(value: Boolean): this.type = set(doRescale, value)
  def getDoRescale: Option[Boolean] = get(doRescale)
  def setDoNormalize(value: Boolean): this.type = set(doNormalize, value)
  def getDoNormalize: Option[Boolean] = get(doNormalize)
  def setResample(value: Int): this.type = set(resample, value)
  def getResample: Option[Int] = get(resample)
  def setResizeBackend(value: String): this.type = set(resizeBackend, value)
  def getResizeBackend: Option[String] = get(resizeBackend)
  def setImageMean(value: Array[Double]): this.type = set(imageMean, value)
  def getImageMean: Option[Array[Double]] = get(imageMean)
  def setImageStd(value: Array[Double]): this.type = set(imageStd, value)
  def getImageStd: Option[Array[Double]] = get(imageStd)
  def setRescaleFactor(value: Double): this.type = set(rescaleFactor, value)
  def getRescaleFactor: Option[Double] = get(rescaleFactor)

  private[ml] def processorOverrides: ProcessorOverrides = ProcessorOverrides(
    size = getSize,
    height = getHeight,
    width = getWidth,
    doResize = getDoResize,
    resample = getResample,
    doRescale = getDoRescale,
    rescaleFactor = getRescaleFactor,
    doNormalize = getDoNormalize,
    imageMean = getImageMean.map(_.toSeq),
    imageStd = getImageStd.map(_.toSeq),
    cropSize = getCropSize,
    doCenterCrop = getDoCenterCrop,
    resizeBackend = getResizeBackend
  )
}

/** Which images are read, and what happens to the others. */
trait ImageLimitsParams extends Params {

  final val maxImagePixels: LongParam = new LongParam(
    this,
    "maxImagePixels",
    "maximum number of pixels of an image; a larger image is refused before it is decoded (default: Pillow's decompression-bomb limit)",
    NumberFrom("maxImagePixels", 1L)
  )
  final val badImageMode: Param[String] = new Param(
    this,
    "badImageMode",
    "what happens to a row whose image cannot be used: PERMISSIVE keeps the row with the reason in errorCol, " +
      "DROPMALFORMED drops the row, FAILFAST fails the job",
    OneOf("badImageMode", BadImageMode.all)
  )

  setDefault(maxImagePixels -> ImageDecoder.DefaultMaxPixels, badImageMode -> BadImageMode.Permissive)

  def setMaxImagePixels(value: Long): this.type = set(maxImagePixels, value)
  def getMaxImagePixels: Long = $(maxImagePixels)
  def setBadImageMode(value: String): this.type = set(badImageMode, value)
  def getBadImageMode: String = $(badImageMode)
}

/** How images are read and the model is run. */
trait InferenceParams extends SessionParams with ImageLimitsParams {

  final val decodeMode: Param[String] = new Param(
    this,
    "decodeMode",
    "how JPEGs are decoded: exact, or fast, which decodes JPEGs that are at least twice as large as the model needs at 1/2, 1/4 or 1/8 of their size",
    OneOf("decodeMode", DecodeMode.all.map(_.name))
  )

  setDefault(decodeMode -> DecodeMode.Exact.name)

  def setDecodeMode(value: String): this.type = set(decodeMode, value)
  def getDecodeMode: String = $(decodeMode)
}

/** The values of [[ImageLimitsParams.badImageMode]], named as the modes of Spark's own readers. */
object BadImageMode {
  val Permissive = "PERMISSIVE"
  val DropMalformed = "DROPMALFORMED"
  val FailFast = "FAILFAST"
  private[ml] val all = Seq(Permissive, DropMalformed, FailFast)
}
