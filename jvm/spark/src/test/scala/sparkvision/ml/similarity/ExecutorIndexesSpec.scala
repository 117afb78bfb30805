package sparkvision.ml.similarity

import java.net.URI
import java.nio.file.Files
import java.util.concurrent.{CountDownLatch, TimeUnit}

import scala.collection.mutable
import scala.concurrent.ExecutionContext.Implicits.global
import scala.concurrent.duration._
import scala.concurrent.{Await, Future, blocking}
import scala.util.Using

import org.apache.hadoop.conf.Configuration
import org.apache.hadoop.fs.{FSDataInputStream, Path => HadoopPath, RawLocalFileSystem}
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.session.ExecutorRuntime
import sparkvision.engine.session.KeyedCache.Lease
import sparkvision.engine.similarity.{SearchMethod, SimilarityIndex, SimilarityIndexException}
import sparkvision.ml.{LocalSpark, SimilarImages}

class ExecutorIndexesSpec extends AnyFunSuite with LocalSpark {
  private lazy val configuration = new Configuration(spark.sparkContext.hadoopConfiguration)
  private lazy val folder = temporaryFolder().resolve("index")
  private lazy val index: PublishedIndex = {
    val images = spark.createDataFrame(Seq("a" -> Array(1.0, 0.0), "b" -> Array(0.0, 1.0))).toDF("path", "features")
    SimilarImages.build(images, folder.toString, method = "approximate")
    new IndexFolder(folder.toString, configuration).read()
  }

  /** Copies that are deleted as soon as they are unused. */
  final private class Copies {
    private val directory = temporaryFolder()
    private val indexes = new ExecutorIndexes(Seq(directory), ExecutorRuntime.ofThisProcess, Duration.Zero)
    private val leases = mutable.ArrayBuffer[Lease[ExecutorIndexes.Copy]]()
    def acquire(published: PublishedIndex, method: SearchMethod = SearchMethod.Exact): SimilarityIndex = {
      val lease = indexes.acquire(published, method, configuration)
      if (published == index && method == SearchMethod.Exact) synchronized { val _ = leases += lease }
      lease.value.index
    }

    /** Gives back one claim on the exact index. */
    def release(): Unit = synchronized(leases.remove(0)).close()
    def folders: Long = Using.resource(Files.list(directory))(_.count)
  }

  test("unused copies are deleted for new ones, and copies in use are kept") {
    val copies = new Copies
    assert(copies.acquire(index) eq copies.acquire(index))
    copies.release()
    copies.acquire(index, SearchMethod.Approximate)
    assert(copies.folders == 2)
    copies.release()
    copies.acquire(index.copy(uri = index.uri + "/"))
    assert(copies.folders == 2)
  }

  test("tasks wait only for a copy of the index that they need") {
    configuration.set("fs.gated.impl", classOf[GatedFileSystem].getName)
    val copies = new Copies
    copies.acquire(index)
    val slow = index.copy(uri = index.uri.replaceFirst("^file:", "gated:"))
    val waiting = Seq.fill(2)(Future(blocking(copies.acquire(slow))))
    assert(GatedFileSystem.entered.await(20, TimeUnit.SECONDS))
    Await.result(Future(copies.acquire(index)), 20.seconds)
    assert(waiting.forall(!_.isCompleted))
    GatedFileSystem.gate.countDown()
    assert(Await.result(Future.sequence(waiting), 20.seconds).distinct.size == 1 && copies.folders == 2)
  }

  test("a failed copy leaves no files, and the next task tries again") {
    val copies = new Copies
    val build = folder.resolve(IndexFolder.build(index.manifest.build))
    val away = Files.move(build, folder.resolve("away"))
    assert(intercept[SimilarityIndexException](copies.acquire(index)).getMessage.contains("finds no file"))
    assert(copies.folders == 0)
    Files.move(away, build)
    copies.acquire(index)
    copies.release()
    copies.acquire(index, SearchMethod.Approximate)
    assert(copies.folders == 1, "the task that failed does not count as a user")
  }
}

/** The files of this machine, which can be opened only after a signal. */
class GatedFileSystem extends RawLocalFileSystem {
  override def getScheme: String = "gated"
  override def getUri: URI = URI.create("gated:///")

  override def open(file: HadoopPath, bufferSize: Int): FSDataInputStream = {
    GatedFileSystem.entered.countDown()
    GatedFileSystem.gate.await()
    super.open(file, bufferSize)
  }
}

private object GatedFileSystem {
  val entered = new CountDownLatch(1)
  val gate = new CountDownLatch(1)
}
