package org.apache.spark.sparkvision

import java.nio.file.Path

import org.apache.spark.SparkEnv
import org.apache.spark.util.Utils

/** A bridge to what Spark keeps to itself: this process's own local directory, chosen as the cluster manager wants it. */
object LocalDirectories {

  /** A new folder in this driver's or executor's local directory; Spark deletes it when the application ends. */
  def create(prefix: String): Path = {
    // Not Utils.getLocalDir: its parameter's type changed between Spark 4.0 and 4.1.
    val root = SparkEnv.get.blockManager.diskBlockManager.localDirsString.head
    Utils.createTempDir(root, prefix).toPath
  }
}
