package sparkvision.image

import java.io.{ByteArrayInputStream, ByteArrayOutputStream, ObjectInputStream, ObjectOutputStream}

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.codec.DecodeMode
import sparkvision.image.preprocess.ChannelLayout
import sparkvision.image.resample.{ResampleFilter, ResizeBackend}

class NamedValuesSpec extends AnyFunSuite {

  test("a value is found by its name and is printed as its name") {
    assert(DecodeMode.all.map(_.toString) == Seq("exact", "fast"))
    assert(DecodeMode.parse("fast") == DecodeMode.Fast)
    assert(ChannelLayout.parse("NHWC") == ChannelLayout.ChannelsLast)
  }

  test("an unknown name is refused with the setting and its values") {
    val refusal = intercept[ParameterException](DecodeMode.parse("quick"))
    assert(refusal.getMessage == "decodeMode must be one of exact, fast, not 'quick'.")
    assert(DecodeMode.find("quick").isEmpty)
  }

  test("an unknown name of a processor setting is a ProcessorException") {
    assert(intercept[ProcessorException](ResizeBackend.parse("opencv")).getMessage.contains("pillow, torchvision"))
  }

  test("a filter is found by its name in upper and lower case") {
    assert(ResampleFilter.parse("bicubic") == ResampleFilter.parse("BICUBIC"))
  }

  test("a value is the same object after Java serialisation") {
    val bytes = new ByteArrayOutputStream
    new ObjectOutputStream(bytes).writeObject(DecodeMode.Fast)
    assert(new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray)).readObject() eq DecodeMode.Fast)
  }
}
