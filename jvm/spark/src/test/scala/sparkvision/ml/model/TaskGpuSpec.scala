package sparkvision.ml.model

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.runtime.ExecutionProvider.{Auto, Cpu, Cuda, OneDnn}
import sparkvision.image.ParameterException

class TaskGpuSpec extends AnyFunSuite {

  test("the Param deviceId has priority") {
    assert(TaskGpu.of(Cuda, deviceId = 3, assigned = Seq("1"), partition = 0, visible = 2) == 3)
  }

  test("the GPU that Spark gave the task is used") {
    assert(TaskGpu.of(Cuda, deviceId = -1, assigned = Seq("1"), partition = 0, visible = 4) == 1)
  }

  test("without Spark's resources the partitions use the GPUs in turn") {
    assert((0 to 4).map(TaskGpu.of(Auto, -1, Nil, _, visible = 2)) == Seq(0, 1, 0, 1, 0))
  }

  test("the first GPU is used when GPUs cannot be counted") {
    assert(TaskGpu.of(Auto, -1, Nil, partition = 5, visible = 0) == 0)
  }

  test("on the CPU all tasks use one device, whichever GPUs Spark assigned") {
    assert(Seq(Cpu, OneDnn).map(TaskGpu.of(_, 3, Seq("GPU-5f2c"), partition = 1, visible = 2)) == Seq(0, 0))
  }

  test("a GPU that is not named by a number is refused, naming the discovery script") {
    val message = intercept[ParameterException](TaskGpu.of(Auto, -1, Seq("GPU-5f2c"), 0, 1)).getMessage
    assert(message.contains("'GPU-5f2c'") && message.contains("scripts/gpu-discovery"))
  }
}
