package sparkvision.image.preprocess

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.resample.{ResampleFilter, ResizeBackend}
import sparkvision.image.{PixelSize, ProcessorException}

class ProcessorConfigSuite extends AnyFunSuite {

  private def parse(settings: String): ProcessorConfig =
    ProcessorConfig.parse(s"""{"image_processor_type": "ViTImageProcessor" $settings}""")

  private def refusal(settings: String): String = intercept[ProcessorException](parse(settings)).getMessage

  test("an empty configuration has the defaults of ViTImageProcessor") {
    val config = ProcessorConfig.parse("{}")
    assert(config == ProcessorConfig())
    assert((config.resize, config.resample) == ((ResizeRule.Exact(224, 224), ResampleFilter.Bilinear)))
    assert(config.doResize && config.doRescale && config.doNormalize && config.rescaleFactor == 1.0 / 255)
    assert(config.imageMean == Seq(0.5, 0.5, 0.5) && config.imageStd == Seq(0.5, 0.5, 0.5))
  }

  test("the legacy name and the fast processor have the same settings") {
    Seq(
      """{"feature_extractor_type": "ViTFeatureExtractor"}""",
      """{"image_processor_type": "ViTImageProcessorFast"}"""
    )
      .foreach(json => assert(ProcessorConfig.parse(json) == ProcessorConfig()))
  }

  test("size is a number, a pair, or height and width") {
    assert(parse(""", "size": 384""").resize == ResizeRule.Exact(384, 384))
    assert(parse(""", "size": [32, 48]""").resize == ResizeRule.Exact(32, 48))
    assert(parse(""", "size": {"height": 96, "width": 160}""").resize == ResizeRule.Exact(96, 160))
  }

  test("a filter is given by its name, and torchvision's resize is selected") {
    val config = parse(""", "resample": "Bicubic", "resizeBackend": "torchvision"""")
    assert(config.resample == ResampleFilter.Bicubic && config.resizeBackend == ResizeBackend.Torchvision)
  }

  test("one mean and one deviation apply to all three channels") {
    val config = parse(""", "image_mean": 0.1, "image_std": 0.2""")
    assert(config.imageMean == Seq(0.1, 0.1, 0.1) && config.imageStd == Seq(0.2, 0.2, 0.2))
  }

  test("keys that transformers writes beside the settings are ignored") {
    val config = parse(
      """, "do_convert_rgb": null, "processor_class": "X", "return_tensors": null, "data_format": "channels_first",
        | "input_data_format": null, "device": null, "disable_grouping": null, "default_to_square": true,
        | "do_center_crop": null, "crop_size": null, "do_pad": false""".stripMargin
    )
    assert(config == ProcessorConfig())
  }

  test("an unknown processor is refused with its name and the supported names") {
    val message =
      intercept[ProcessorException](
        ProcessorConfig.parse("""{"image_processor_type": "SamImageProcessor"}""")
      ).getMessage
    assert(message.contains("SamImageProcessor") && message.contains("ViTImageProcessor"))
  }

  Seq(
    "do_center_crop" -> "true",
    "size" -> """{"shortest_edge":224}""",
    "size" -> """{"height":224}""",
    "size" -> """{"longest_edge":224}""",
    "size" -> "224.5",
    "do_pad" -> "true",
    "do_flip_channel_order" -> "true",
    "crop_pct" -> "0.9",
    "data_format" -> "\"channels_last\"",
    "resample" -> "\"cubic\"",
    "resizeBackend" -> "\"opencv\"",
    "do_resize" -> "1",
    "image_mean" -> """[0.5,"x",0.5]"""
  ).foreach { case (key, value) =>
    test(s"$key: $value is refused with key and value") {
      assert(refusal(s""", "$key": $value""").contains(s"$key is $value"))
    }
  }

  test("a crop size without cropping has no effect") {
    assert(parse(""", "do_center_crop": false, "crop_size": {"height": 200, "width": 200}""").crop.isEmpty)
  }

  test("invalid settings are refused with the value") {
    assert(refusal(""", "size": 0""").contains("0 x 0"))
    assert(refusal(""", "image_std": [0.5, 0, 0.5]""").contains("0.0"))
    assert(refusal(""", "image_mean": [0.5, 0.5]""").contains("2 values"))
    assert(refusal(""", "resample": 7""").contains("resample is 7"))
  }

  test("text that is not a JSON object is refused") {
    Seq("{", "[]", "").foreach { text =>
      assert(intercept[ProcessorException](ProcessorConfig.parse(text)).getMessage.contains("JSON"))
    }
  }

  test("an override replaces the setting of the file, and an unset one does not") {
    val file = parse(""", "resample": 3, "image_mean": [0.1, 0.2, 0.3]""")
    val config = file.withOverrides(ProcessorOverrides(size = Some(64), doNormalize = Some(false), resample = Some(1)))
    val resize = ResizeRule.Exact(64, 64)
    assert(config == file.copy(resize = resize, doNormalize = false, resample = ResampleFilter.Lanczos))
    assert(file.withOverrides(ProcessorOverrides()) == file)
    assert(file.withOverrides(ProcessorOverrides(width = Some(99))).resize == ResizeRule.Exact(224, 99))
  }

  test("the override size sets the shortest edge if the processor resizes by it; height and width set both sides") {
    val clip = ProcessorConfig.parse("""{"image_processor_type": "CLIPImageProcessor"}""")
    assert(clip.withOverrides(ProcessorOverrides(size = Some(99))).resize == ResizeRule.ShortestEdge(99))
    val sides = ProcessorOverrides(height = Some(30), width = Some(40))
    assert(clip.withOverrides(sides).resize == ResizeRule.Exact(30, 40))
  }

  test("the overrides doCenterCrop and cropSize switch cropping on, off and to another size") {
    val deit = ProcessorConfig.parse("""{"image_processor_type": "DeiTImageProcessor"}""")
    assert(deit.outputSize.contains(PixelSize(224, 224)))
    assert(deit.withOverrides(ProcessorOverrides(cropSize = Some(99))).outputSize.contains(PixelSize(99, 99)))
    assert(
      deit.withOverrides(ProcessorOverrides(doCenterCrop = Some(false))).outputSize.contains(PixelSize(256, 256))
    )
    val cropping = ProcessorOverrides(cropSize = Some(99), doCenterCrop = Some(true))
    assert(ProcessorConfig().withOverrides(cropping).outputSize.contains(PixelSize(99, 99)))
  }

  test("an invalid override is refused") {
    def refused(overrides: ProcessorOverrides, processor: String = "ViTImageProcessor"): String = {
      val file = ProcessorConfig.parse(s"""{"image_processor_type": "$processor"}""")
      intercept[ProcessorException](file.withOverrides(overrides)).getMessage
    }
    assert(refused(ProcessorOverrides(cropSize = Some(200))).contains("cropSize is 200"))
    assert(refused(ProcessorOverrides(doCenterCrop = Some(true))).contains("no crop_size"))
    assert(refused(ProcessorOverrides(size = Some(10), height = Some(20))).contains("not both"))
    assert(refused(ProcessorOverrides(height = Some(20)), "CLIPImageProcessor").contains("set both"))
    assert(refused(ProcessorOverrides(imageStd = Some(Seq(1, 0, 1)))).contains("0.0"))
    assert(refused(ProcessorOverrides(width = Some(-3))).contains("-3"))
    assert(refused(ProcessorOverrides(resizeBackend = Some("opencv"))).contains("'opencv'"))
    val torchvision = ProcessorOverrides(resizeBackend = Some("torchvision"), resample = Some(1))
    assert(refused(torchvision).contains("LANCZOS"))
  }

  private def detection(settings: String): ProcessorConfig =
    ProcessorConfig.parse(s"""{"image_processor_type": "DetrImageProcessor" $settings}""")

  test("the processors of detection models resize by both edges and pad") {
    val config = detection("")
    assert(config.resize == ResizeRule.DetrEdges(800, 1333) && config.doPad && config.padSize.isEmpty)
    assert(
      detection(""", "size": {"shortest_edge": 600, "longest_edge": 1000}""").resize == ResizeRule.DetrEdges(600, 1000)
    )
    assert(detection(""", "size": 480, "max_size": 640""").resize == ResizeRule.DetrEdges(480, 640))
    assert(detection(""", "pad_size": {"height": 9, "width": 8}""").padSize.contains(PixelSize(9, 8)))
  }

  test("the shortest edge alone is refused for a detection model, as by transformers") {
    val message = intercept[ProcessorException](detection(""", "size": {"shortest_edge": 600}""")).getMessage
    assert(message.contains("DetrImageProcessor cannot resize by it"))
  }

  test("a detection model without padding is refused unless all images have one size") {
    def refusal(settings: String) = intercept[ProcessorException](new DetectionPreprocessor(detection(settings)))
    assert(refusal(""", "do_pad": false""").getMessage.contains("do_pad is false"))
    assert(refusal(""", "pad_and_return_pixel_mask": false""").getMessage.contains("do_pad is false"))
    new DetectionPreprocessor(detection(""", "do_pad": false, "size": {"height": 64, "width": 96}"""))
  }
}
