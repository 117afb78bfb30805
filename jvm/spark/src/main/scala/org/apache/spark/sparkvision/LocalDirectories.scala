package org.apache.spark.sparkvision

import java.nio.file.Path

import org.apache.spark.SparkEnv
import org.apache.spark.util.Utils

/** Access to a private part of Spark: the local directories of this process, which the cluster manager chooses. */
object LocalDirectories {

  /** Where this driver or executor may keep files, often one folder on each disk; Spark deletes them when the application
    * ends.
    */
  def all: Seq[Path] =
    // Not Utils.getLocalDir: its parameter's type changed between Spark 4.0 and 4.1.
    SparkEnv.get.blockManager.diskBlockManager.localDirsString.toSeq.map(Path.of(_))

  /** A new folder in this driver's or executor's first local directory; Spark deletes it when the application ends. */
  def create(prefix: String): Path = Utils.createTempDir(all.head.toString, prefix).toPath
}
