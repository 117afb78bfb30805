package sparkvision.ml.storage

import java.io.IOException
import java.net.UnknownHostException

import org.apache.hadoop.fs.{FileSystem, Path => HadoopPath, UnsupportedFileSystemException}
import org.apache.spark.sql.SparkSession

import sparkvision.image.ParameterException

/** The Hadoop file system of a path or URI, or an error that explains what is wrong with its scheme. */
private[ml] object FileSystems {

  /** Refuses a path or URI whose file system Spark does not know, before any work is done. Reads nothing.
    *
    * @throws ParameterException
    *   when the text is not a path or URI, or no file system is known for its scheme
    */
  def require(place: String, spark: SparkSession): Unit = { val _ = locate(place, spark) }

  /** The file system of a path or URI, and the qualified path.
    *
    * @throws ParameterException
    *   as [[require]] does
    */
  def locate(place: String, spark: SparkSession): (FileSystem, HadoopPath) =
    try {
      val path = new HadoopPath(place)
      val fileSystem = of(path, spark)
      (fileSystem, fileSystem.makeQualified(path))
    } catch {
      case e: IllegalArgumentException if e.getCause.isInstanceOf[UnknownHostException] =>
        throw new ParameterException(s"'$place' cannot be reached: no host is known as ${e.getCause.getMessage}.", e)
      case e: IllegalArgumentException =>
        throw new ParameterException(s"'$place' is not a path or URI that Hadoop reads: ${e.getMessage}.", e)
      case e: IOException => throw new ParameterException(s"'$place' cannot be reached: ${e.getMessage}", e)
    }

  /** @throws IOException
    *   when the file system cannot be reached, or Hadoop has none for the scheme
    */
  def of(path: HadoopPath, spark: SparkSession): FileSystem =
    try path.getFileSystem(spark.sparkContext.hadoopConfiguration)
    catch {
      case e: UnsupportedFileSystemException => throw unknown(path, e)
      // A scheme that Hadoop knows by name, such as s3a, whose connector is not on the classpath.
      case e: RuntimeException if e.getCause.isInstanceOf[ClassNotFoundException] => throw unknown(path, e)
    }

  private def unknown(path: HadoopPath, cause: Exception): IOException = {
    val scheme = path.toUri.getScheme
    val unsupported = new UnsupportedFileSystemException(
      s"Spark has no file system for the scheme '$scheme'. Correct the scheme, or add the Hadoop connector for it, for " +
        "instance with the setting spark.jars.packages."
    )
    unsupported.initCause(cause)
    unsupported
  }
}
