package sparkvision.ml.metrics

import org.apache.spark.util.AccumulatorV2

/** Collects names, each once, from all tasks. */
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
