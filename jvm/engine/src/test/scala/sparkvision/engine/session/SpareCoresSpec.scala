package sparkvision.engine.session

import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.{CountDownLatch, CyclicBarrier, Executor, TimeUnit}

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.engine.LocalModel
import sparkvision.engine.bundle.{Bundles, ModelBundle}
import sparkvision.engine.pipeline.ModelSettings
import sparkvision.image.{Fixtures, ImageInput, ProviderException}

class SpareCoresSpec extends AnyFunSuite {

  /** The threads that do `pieces` pieces of work, of which `atOnce` wait for each other. */
  private def threads(cores: SpareCores, count: Int, pieces: Int, atOnce: Int): Set[Thread] = {
    val together = new CyclicBarrier(atOnce)
    val workers = cores.inParallel(
      count,
      IndexedSeq.fill(pieces) { () =>
        together.await(10, TimeUnit.SECONDS)
        Thread.currentThread
      }
    )
    workers.toSet
  }

  /** A task on a thread of its own has a core until what it gives is closed. */
  private def otherTask(cores: SpareCores): AutoCloseable = {
    var occupied = Option.empty[AutoCloseable]
    val task = new Thread(() => occupied = Some(cores.occupy()))
    task.start()
    task.join()
    occupied.get
  }

  test("results keep the order of the pieces") {
    val cores = new SpareCores
    cores.occupy()
    assert(cores.inParallel(4, (0 until 100).map(i => () => i * 2)) == (0 until 100).map(_ * 2))
  }

  test("a task that is alone has all cores, its own thread among them") {
    val cores = new SpareCores
    cores.occupy()
    val workers = threads(cores, count = 3, pieces = 6, atOnce = 3)
    assert(workers.size == 3 && workers(Thread.currentThread))
  }

  test("where every core has its task, each does its work alone") {
    val cores = new SpareCores
    cores.occupy()
    (1 to 2).foreach(_ => otherTask(cores))
    assert(threads(cores, count = 3, pieces = 6, atOnce = 1) == Set(Thread.currentThread))
  }

  test("a task that ends leaves its core to the others") {
    val cores = new SpareCores
    val ended = otherTask(cores)
    cores.occupy()
    ended.close()
    assert(threads(cores, count = 2, pieces = 4, atOnce = 2).size == 2)
  }

  test("a task with two models has one core, until it has run both") {
    val cores = new SpareCores
    val first = cores.occupy()
    val second = cores.occupy()
    assert(threads(cores, count = 2, pieces = 4, atOnce = 2).size == 2)
    first.close()
    otherTask(cores)
    assert(threads(cores, count = 2, pieces = 4, atOnce = 1).size == 1)
    second.close()
    assert(threads(cores, count = 2, pieces = 4, atOnce = 2).size == 2)
  }

  test("where the system gives no more threads, nobody works on, and no core stays lent") {
    val (asked, working, begun) = (new AtomicInteger, new AtomicInteger, new CountDownLatch(1))
    val refusingTheSecond: Executor = task => {
      if (asked.incrementAndGet() == 2) {
        assert(begun.await(10, TimeUnit.SECONDS))
        throw new OutOfMemoryError("unable to create native thread")
      }
      new Thread(task).start()
    }
    val cores = new SpareCores(refusingTheSecond)
    cores.occupy()
    val pieces = IndexedSeq.fill(3) { () =>
      working.incrementAndGet()
      begun.countDown()
      Thread.sleep(200)
      working.decrementAndGet()
    }
    intercept[OutOfMemoryError](cores.inParallel(3, pieces))
    assert(working.get == 0)
    assert(threads(cores, count = 3, pieces = 3, atOnce = 3).size == 3)
  }

  test("a core that is borrowed is not lent again, and is given back") {
    val cores = new SpareCores
    (1 to 2).foreach(_ => otherTask(cores))
    val (begun, end) = (new CountDownLatch(2), new CountDownLatch(1))
    val other = new Thread(() => {
      val _ = cores.inParallel(3, IndexedSeq.fill(2) { () => begun.countDown(); end.await() })
    })
    other.start()
    assert(begun.await(10, TimeUnit.SECONDS))
    assert(threads(cores, count = 3, pieces = 4, atOnce = 1).size == 1)
    end.countDown()
    other.join()
    assert(threads(cores, count = 3, pieces = 4, atOnce = 2).size == 2)
  }

  test("what a piece throws is thrown, wherever it ran, and nobody works on") {
    val cores = new SpareCores
    cores.occupy()
    val together = new CyclicBarrier(2)
    (0 to 1).foreach { failing =>
      val pieces = IndexedSeq.tabulate(2) { piece => () =>
        together.await(10, TimeUnit.SECONDS)
        if (piece == failing) throw new ProviderException(s"piece $piece")
      }
      assert(intercept[ProviderException](cores.inParallel(2, pieces)).getMessage == s"piece $failing")
    }
    assert(threads(cores, count = 2, pieces = 2, atOnce = 2).size == 2)
  }

  test("a model gives the same results on one core and on several, whichever images are bad") {
    val bundle = ModelBundle.open(Bundles.digits())
    val digits = Fixtures.digits(50)
    val images = digits.zipWithIndex.map { case (digit, i) =>
      if (i % 7 == 3) ImageInput.Unusable(s"bad $i") else ImageInput.Encoded(digit)
    }
    def labels(cores: Int) = {
      val model = new LocalModel(bundle, ModelSettings(cores = cores))
      try model.predictions(images.iterator)(identity).map(_._2.map(_.best.head.label)).toSeq
      finally model.close()
    }
    val alone = labels(cores = 1)
    assert(labels(cores = 4) == alone)
    assert(alone.count(_.isLeft) == 7 && alone(3) == Left("bad 3"))
  }
}
