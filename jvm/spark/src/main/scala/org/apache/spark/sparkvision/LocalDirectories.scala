package org.apache.spark.sparkvision

import java.nio.file.Path

import org.apache.spark.SparkEnv
import org.apache.spark.util.Utils

/** A bridge to what Spark keeps to itself: this process's own local directory, chosen as the cluster manager wants it. */
object LocalDirectories {

  /** A new folder in this driver's or executor's local directory; Spark deletes it when the process ends. */
  def create(prefix: String): Path =
    Utils.createTempDir(Utils.getLocalDir(SparkEnv.get.conf), prefix).toPath
}
