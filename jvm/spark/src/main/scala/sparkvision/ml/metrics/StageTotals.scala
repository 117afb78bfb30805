package sparkvision.ml.metrics

import java.util.{Map => JavaMap}

import scala.collection.mutable
import scala.jdk.CollectionConverters._

import org.apache.spark.SparkContext
import org.apache.spark.sql.Row
import org.apache.spark.sql.types._
import org.apache.spark.util.{AccumulatorV2, LongAccumulator}

import sparkvision.engine.session.ExecutorRuntime

/** What an application has done for one stage or SQL function and one model in all queries, as finished tasks reported it.
  * Each task adds to a copy.
  */
final private[ml] class StageTotals private (
    stage: String,
    modelHash: Option[String],
    counters: Map[String, LongAccumulator],
    providers: NamesAccumulator
) extends Serializable {
  import ImageMetrics._

  def add(counter: String, amount: Long): Unit = counters(counter).add(amount)

  def provider(name: String): Unit = providers.add(name)

  def sessionsOpened: Long = counters(Sessions).value

  /** A row of [[StageTotals.schema]]. */
  def row: Row = {
    def count(name: String): Long = counters(name).value
    def seconds(name: String): Double = count(name) / 1e9
    Row(
      stage,
      modelHash.orNull,
      providers.value.toSeq.sorted,
      count(Images),
      count(Unusable),
      count(Decoded),
      count(Batches),
      if (count(Batches) == 0) null else count(InBatches).toDouble / count(Batches),
      seconds(Decode),
      seconds(Preprocess),
      seconds(Run),
      seconds(Postprocess),
      sessionsOpened
    )
  }
}

private[ml] object StageTotals {
  import ImageMetrics._

  /** The columns of `sparkvision_metrics()`. */
  val schema: StructType = StructType(
    Seq(
      StructField("stage", StringType),
      StructField("model", StringType),
      StructField("providers", ArrayType(StringType)),
      StructField("images", LongType),
      StructField("unusable", LongType),
      StructField("decoded", LongType),
      StructField("batches", LongType),
      StructField("images_per_batch", DoubleType),
      StructField("decode_seconds", DoubleType),
      StructField("preprocess_seconds", DoubleType),
      StructField("run_seconds", DoubleType),
      StructField("postprocess_seconds", DoubleType),
      StructField("sessions_opened", LongType)
    )
  )

  /** A server that runs for months sees any number of stages. The totals of the least recently used stages are dropped. */
  private val MostStages = 1000
  private type Key = (String, Option[String])

  /** The totals of the applications of this process. */
  final private class Applications {
    val totals = mutable.WeakHashMap[SparkContext, JavaMap[Key, StageTotals]]()
  }

  private def applications = ExecutorRuntime.ofThisProcess.part(classOf[Applications])(new Applications).totals

  private def stagesOf(context: SparkContext): JavaMap[Key, StageTotals] =
    applications.getOrElseUpdate(
      context,
      new java.util.LinkedHashMap[Key, StageTotals](16, 0.75f, true) {
        override def removeEldestEntry(eldest: JavaMap.Entry[Key, StageTotals]): Boolean = size > MostStages
      }
    )

  /** The totals to which the tasks of a stage add. */
  def of(stage: String, modelHash: Option[String], context: SparkContext): StageTotals = synchronized {
    stagesOf(context).computeIfAbsent((stage, modelHash), _ => make(stage, modelHash, context))
  }

  /** The totals of every stage that has run, the most recent last. */
  def all(context: SparkContext): Seq[StageTotals] = synchronized(stagesOf(context).values.asScala.toSeq)

  private def make(stage: String, modelHash: Option[String], context: SparkContext): StageTotals = {
    val names = Seq(Images, Unusable, Decoded, Batches, InBatches, Decode, Preprocess, Run, Postprocess, Sessions)
    // Without names, because Spark's UI would list named accumulators with each of its stages.
    val counters = names.map(_ -> new LongAccumulator).toMap
    counters.values.foreach(context.register)
    val providers = new NamesAccumulator
    context.register(providers)
    new StageTotals(stage, modelHash, counters, providers)
  }
}

/** Collects distinct names from all tasks. */
final private[ml] class NamesAccumulator extends AccumulatorV2[String, Set[String]] {
  private var names = Set.empty[String]

  override def isZero: Boolean = names.isEmpty
  override def reset(): Unit = names = Set.empty
  override def add(name: String): Unit = names += name
  override def merge(other: AccumulatorV2[String, Set[String]]): Unit = names ++= other.value
  override def value: Set[String] = names

  override def copy(): NamesAccumulator = {
    val copied = new NamesAccumulator
    copied.names = names
    copied
  }
}
