package sparkvision.ml.model

import java.nio.file.{Files, Path}

import scala.concurrent.duration._
import scala.util.Using

import org.apache.spark.SparkException
import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.bundle.{BundleException, Bundles, ModelBundle, ProblemType}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.engine.runtime.{ExecutionProvider, SessionConfig}
import sparkvision.engine.session.ExecutorRuntime
import sparkvision.image.ImageInput
import sparkvision.ml.LocalSpark
import sparkvision.ml.metrics.{ImageMetrics, OperatorCounters, StageTotals}
import sparkvision.ml.output.ClassificationOutput
import sparkvision.ml.task.PartitionRunner

/** What happens to an executor's copies of models when its disks fail. */
class ExecutorModelsSpec extends AnyFunSuite with LocalSpark {
  private def context = spark.sparkContext
  private lazy val sent = ModelDistributor.send(ModelBundle.open(Bundles.digits()), context)

  /** A directory in which no user can create a file. */
  private def brokenDirectory(): Path = Files.createTempFile("file", "").resolve("local")

  /** An executor's copies in these directories, on the thread of one task after the other. */
  final private class Copies(directories: Seq[Path]) {
    private val models = new ExecutorModels(directories, ExecutorRuntime.ofThisProcess)

    def open(model: DistributedModel): ModelBundle = Using.resource(models.acquire(model))(_.value.bundle)
    def discardIfDamaged(model: DistributedModel): Unit = models.discardIfDamaged(model)
    def close(): Unit = models.close()
  }

  test("an executor copies a model once") {
    val models = new Copies(Seq(temporaryFolder()))
    assert(models.open(sent) eq models.open(sent))
  }

  test("the copies are deleted with the runtime that holds them") {
    val models = new Copies(Seq(temporaryFolder()))
    val copy = models.open(sent)
    models.close()
    assert(!Files.exists(copy.folder))
  }

  test(
    "a damaged copy that a task still uses is deleted when the task gives it back, and the next one has a new copy"
  ) {
    val models = new ExecutorModels(Seq(temporaryFolder()), ExecutorRuntime.ofThisProcess)
    val first = models.acquire(sent)
    Bundles.flipByte(first.value.bundle.graph)
    models.discardIfDamaged(sent)
    assert(Files.exists(first.value.bundle.folder))
    val second = models.acquire(sent)
    assert(second.value.bundle.folder != first.value.bundle.folder)
    first.close()
    assert(!Files.exists(first.value.bundle.folder) && Files.exists(second.value.bundle.folder))
  }

  test("if one local directory is full or broken, the next one is used") {
    val whole = temporaryFolder()
    val copy = new Copies(Seq(brokenDirectory(), whole)).open(sent)
    assert(copy.folder.startsWith(whole))
  }

  test("if all local directories refuse the copy, the error names them and the remedy") {
    val broken = Seq(brokenDirectory(), brokenDirectory())
    val message = intercept[BundleException](new Copies(broken).open(sent)).getMessage
    assert(broken.forall(directory => message.contains(directory.toString)))
    assert(message.contains("spark.local.dir") && message.contains("2 MB"))
  }

  test("a refused copy leaves no files") {
    val directory = temporaryFolder()
    val mistaken = sent.copy(bundleHash = "another")
    assert(intercept[BundleException](new Copies(Seq(directory)).open(mistaken)).getMessage.contains("changed"))
    assert(Files.list(directory).count() == 0)
  }

  test("an undamaged copy is never discarded") {
    val models = new Copies(Seq(temporaryFolder()))
    val copy = models.open(sent)
    models.discardIfDamaged(sent)
    assert(models.open(sent) eq copy)
  }

  test("a damaged copy is deleted and made again") {
    val models = new Copies(Seq(temporaryFolder()))
    val first = models.open(sent)
    Bundles.flipByte(first.graph)
    models.discardIfDamaged(sent)
    assert(!Files.exists(first.folder))
    assert(models.open(sent).bundleHash == first.bundleHash)
  }

  test("the driver's own copy is never deleted") {
    val bundle = ModelBundle.open(Bundles.digits())
    val here = DistributedModel.OnThisMachine(bundle.bundleHash, bundle.folder.toString)
    val models = new Copies(Nil)
    models.open(here)
    Bundles.flipByte(bundle.graph)
    models.discardIfDamaged(here)
    assert(Files.exists(bundle.graph))
  }

  test("a task that finds its executor's copy damaged fails, and the next one finds a new copy") {
    val model = ModelDistributor.send(ModelBundle.open(Bundles.relabelled()), context)
    val models = ExecutorModels.of(ExecutorRuntime.ofThisProcess)
    val copy = Using.resource(models.acquire(model))(_.value.bundle)
    // No other suite's session is open under this configuration, and none stays open.
    val settings =
      ModelSettings(session = SessionConfig(ExecutionProvider.Cpu, intraOpThreads = 2), sessionIdle = 0.seconds)
    val runner = PartitionRunner(model, settings, deviceId = -1, intraOpThreads = 2)
    val output = ClassificationOutput(Vector.empty, ProblemType.SingleLabel, Some("class"), None, None, None, None)
    val totals = StageTotals.of("digits", Some(model.bundleHash), context)
    val metrics = new ImageMetrics(ExecutorModelsSpec.NoOperator, totals)
    val image = LocalSpark.someDigits(1).head._2
    def label() = context
      .parallelize(Seq(image), 1)
      .mapPartitions { images =>
        runner.run(images, output, metrics)(ImageInput.Encoded).map { case (_, result) =>
          result.map(_.best.head.label)
        }
      }
      .collect()
    Bundles.flipByte(copy.graph)
    assert(intercept[SparkException](label()).getMessage.contains("model.onnx is damaged"))
    assert(label().toSeq == Seq(Right("another 0")))
  }
}

private object ExecutorModelsSpec {

  /** No query runs the model, so that no operator counts. */
  object NoOperator extends OperatorCounters {
    override def add(counter: String, amount: Long): Unit = ()
    override def batchFill(mean: Double): Unit = ()
  }
}
