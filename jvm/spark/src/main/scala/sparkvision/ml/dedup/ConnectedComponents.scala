package sparkvision.ml.dedup

import org.apache.spark.Partitioner
import org.apache.spark.rdd.RDD
import org.apache.spark.sql.DataFrame
import org.apache.spark.storage.StorageLevel

/** Finds the connected components of a graph.
  *
  * The algorithm alternates the large-star and small-star operations of Kiveris et al., "Connected Components in MapReduce
  * and Beyond" (SoCC 2014): both link nodes to the smallest node that they know, until every component is a star around its
  * smallest node. A chain of n nodes takes about log2(n) rounds of two shuffles, and the neighbours of a node are never all
  * in memory at once.
  *
  * It uses RDDs, because for a small graph a round as a query, which is planned and compiled again, takes three times as
  * long.
  */
private[ml] object ConnectedComponents {

  /** The two nodes that an edge connects, in any order. Nodes are not negative. */
  type Edge = (Long, Long)

  /** @param edges
    *   edges may repeat, and may connect a node with itself
    * @return
    *   each node except the smallest of its component, once, with that smallest node. It is persisted on the executors until
    *   the caller unpersists it
    */
  def of(edges: RDD[Edge]): RDD[Edge] = finished(Checkpoint(edges.filter { case (a, b) => a != b }))

  @scala.annotation.tailrec
  private def finished(edges: RDD[Edge]): RDD[Edge] = {
    val unfinished = edges.sparkContext.longAccumulator
    val stars = Checkpoint(smallStar(largeStar(edges, () => unfinished.add(1))))
    edges.unpersist()
    // Tasks that run twice count twice, but a finished graph counts nothing.
    if (unfinished.isZero) stars else finished(stars)
  }

  /** Links the larger neighbours of each node to the smallest node among the node and its neighbours.
    *
    * @param unfinished
    *   called for a node that has a smaller neighbour and another neighbour, which no node of a star has
    */
  private def largeStar(edges: RDD[Edge], unfinished: () => Unit): RDD[Edge] =
    neighbours(edges.flatMap(edge => Seq(edge, edge.swap))) { (node, smallest, neighbour) =>
      if (smallest < node && neighbour != smallest) unfinished()
      Option.when(neighbour > node)(neighbour -> math.min(node, smallest))
    }

  /** Links the smaller neighbours of each node, and itself, to the smallest of them. */
  private def smallStar(edges: RDD[Edge]): RDD[Edge] = neighbours(edges) { (node, smallest, neighbour) =>
    Some((if (neighbour == smallest) node else neighbour) -> smallest)
  }

  /** Visits the neighbours of each node, from the smallest to the largest.
    *
    * @param link
    *   makes a new edge from a node, its smallest neighbour, and one of its neighbours
    */
  private def neighbours(edges: RDD[Edge])(link: (Long, Long, Long) => Option[Edge]): RDD[Edge] = {
    val sorted = edges.map(_ -> null).repartitionAndSortWithinPartitions(new ByNode(edges.getNumPartitions))
    sorted.mapPartitions { rows =>
      var (node, smallest, last) = (-1L, -1L, -1L)
      rows.flatMap { case ((nextNode, neighbour), _) =>
        val isRepeated = nextNode == node && neighbour == last
        if (nextNode != node) smallest = neighbour
        node = nextNode
        last = neighbour
        if (isRepeated) None else link(node, smallest, neighbour)
      }
    }
  }

  /** All edges of a node in one partition. */
  final private class ByNode(override val numPartitions: Int) extends Partitioner {
    override def getPartition(key: Any): Int = {
      val (node, _) = key.asInstanceOf[Edge]
      Math.floorMod(node.hashCode, numPartitions)
    }
    override def equals(other: Any): Boolean = other match {
      case that: ByNode => that.numPartitions == numPartitions
      case _ => false
    }
    override def hashCode: Int = numPartitions
  }
}

/** Computes a table or an RDD once and truncates its lineage, so that plans do not grow from round to round.
  *
  * The result is stored in the application's checkpoint directory if there is one, or else on the executors, whose loss then
  * fails the job.
  */
private[ml] object Checkpoint {

  def apply(table: DataFrame): DataFrame =
    if (table.sparkSession.sparkContext.getCheckpointDir.isDefined) table.checkpoint() else table.localCheckpoint()

  def apply[A](items: RDD[A]): RDD[A] = {
    items.persist(StorageLevel.MEMORY_AND_DISK)
    if (items.sparkContext.getCheckpointDir.isDefined) items.checkpoint() else items.localCheckpoint()
    val _ = items.count()
    items
  }
}
