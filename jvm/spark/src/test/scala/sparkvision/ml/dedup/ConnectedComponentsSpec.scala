package sparkvision.ml.dedup

import scala.util.Random

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.ml.LocalSpark

class ConnectedComponentsSpec extends AnyFunSuite with LocalSpark {
  private type Edges = Seq[(Long, Long)]

  /** The smallest node that each node is connected with, by following the edges until nothing changes. */
  private def expected(edges: Edges): Map[Long, Long] = {
    val neighbours = (edges ++ edges.map(_.swap)).groupMap(_._1)(_._2)
    val found = scala.collection.mutable.Map[Long, Long]()
    neighbours.keys.toSeq.sorted.filterNot(found.contains).foreach { smallest =>
      val waiting = scala.collection.mutable.Queue(smallest)
      while (waiting.nonEmpty) {
        val node = waiting.dequeue()
        if (!found.contains(node)) {
          found(node) = smallest
          waiting ++= neighbours(node)
        }
      }
    }
    found.toMap
  }

  private def check(edges: Edges): Unit = {
    val found = ConnectedComponents.of(spark.sparkContext.parallelize(edges, 3)).collect().toSeq
    assert(found.map(_._1).distinct.size == found.size, "a node is there twice")
    assert(found.toMap == expected(edges).filter { case (node, smallest) => node != smallest })
  }

  private val random = new Random(7)

  private def shuffled(size: Int): IndexedSeq[Long] = random.shuffle((0 until size).map(_.toLong))

  test("a chain in order, and one whose nodes are numbered at random") {
    val nodes = shuffled(300).map(_ + 1000)
    check((0L until 300L).map(i => i -> (i + 1)) ++ nodes.zip(nodes.tail))
  }

  test("a star around its largest node, with repeated edges and an edge to itself") {
    val star = (0L until 1000L).map(i => 1000L -> i)
    check(star ++ star.map(_.swap) :+ (5L -> 5L))
  }

  test("a random graph of many components") {
    check(Seq.fill(900)(random.nextInt(1500).toLong -> random.nextInt(1500).toLong))
  }

  test("a tree of stars that are linked at their rims") {
    val stars = for (star <- 0L until 30L; leaf <- 1L to 20L) yield (star * 100 -> (star * 100 + leaf))
    check(stars ++ (0L until 29L).map(star => (star * 100 + 20) -> (star * 100 + 101)))
  }

  test("a graph without edges") {
    check(Seq(3L -> 3L))
  }
}
