package sparkvision.ml.task

import org.apache.spark.SparkConf
import org.scalatest.funsuite.AnyFunSuite

class PartitionRunnerSpec extends AnyFunSuite {
  private def cores(master: String, settings: (String, String)*): Int =
    PartitionRunner.executorCores(new SparkConf(false).setMaster(master).setAll(settings))

  test("in local mode the number of cores comes from the master") {
    assert(cores("local[3]") == 3 && cores("local[3, 4]") == 3 && cores("local") == 1)
    assert(cores("local[*]") == Runtime.getRuntime.availableProcessors)
  }

  test("on a cluster the number of cores comes from spark.executor.cores, or else is 1") {
    assert(cores("spark://host:7077", "spark.executor.cores" -> "8") == 8)
    assert(cores("spark://host:7077") == 1)
  }
}
