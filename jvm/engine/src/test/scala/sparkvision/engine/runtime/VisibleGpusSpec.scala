package sparkvision.engine.runtime

import java.nio.file.{Files, Path}

import org.scalatest.funsuite.AnyFunSuite

class VisibleGpusSpec extends AnyFunSuite {
  private lazy val devices: Path = {
    val folder = Files.createTempDirectory("dev")
    Seq("nvidia0", "nvidia1", "nvidiactl", "nvidia-uvm", "null").foreach(name => Files.createFile(folder.resolve(name)))
    folder
  }

  test("the driver's device files are counted, and its other files are not") {
    assert(VisibleGpus.count(None, devices) == 2)
  }

  test("CUDA_VISIBLE_DEVICES says which of them there are for this process") {
    assert(VisibleGpus.count(Some("0"), devices) == 1)
    assert(VisibleGpus.count(Some("GPU-5f2c, GPU-77aa,3"), devices) == 3)
  }

  test("CUDA_VISIBLE_DEVICES may hide some or all") {
    assert(VisibleGpus.count(Some(""), devices) == 0)
    assert(VisibleGpus.count(Some("1,-1,0"), devices) == 1)
  }

  test("a machine without such files has none") {
    assert(VisibleGpus.count(None, devices.resolve("none")) == 0)
  }
}
