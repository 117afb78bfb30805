package sparkvision.engine.session

import java.io.IOException
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.{CountDownLatch, TimeUnit}

import scala.collection.mutable
import scala.concurrent.duration._
import scala.util.{Failure, Success, Try}

import org.scalatest.concurrent.Eventually._
import org.scalatest.funsuite.AnyFunSuite
import org.scalatest.time.{Seconds, Span}

import sparkvision.engine.session.KeyedCache.{Expiry, Lease}

class KeyedCacheSpec extends AnyFunSuite {

  private val oneMinute = Span(60, Seconds)

  /** A clock that a test sets, and whose tasks run when their time has come. */
  final private class ManualExpiry extends Expiry {
    private val tasks = mutable.ArrayBuffer[(Long, Runnable)]()
    private var now = Long.MaxValue - 1.minute.toNanos // System.nanoTime may wrap around, too

    override def nanoTime(): Long = synchronized(now)
    override def schedule(nanos: Long, task: Runnable): Unit = synchronized {
      val _ = tasks += ((now + nanos, task))
    }

    /** Tasks that wait for their time. */
    def pending: Int = synchronized(tasks.size)

    def advance(time: FiniteDuration): Unit = {
      val due = synchronized {
        now += time.toNanos
        val (due, later) = tasks.toSeq.partition(_._1 - now <= 0)
        tasks.clear()
        tasks ++= later
        due
      }
      due.foreach(_._2.run())
    }
  }

  /** A cache of texts, which remembers what was closed. */
  final private class Texts(limit: Long = Long.MaxValue, weigh: String => Long = _ => 1L) {
    val expiry = new ManualExpiry
    private val gone = mutable.ArrayBuffer[String]()
    val cache = new KeyedCache[String, String](
      text => synchronized { val _ = gone += text },
      weigh,
      limit,
      expiry
    )

    def closed: Seq[String] = synchronized(gone.toSeq)
    def acquire(key: String, idle: FiniteDuration = KeyedCache.Forever): Lease[String] = cache.acquire(key, idle)(key)
    def use(key: String, idle: FiniteDuration = KeyedCache.Forever): Unit = acquire(key, idle).close()
  }

  /** Work on a thread of its own. */
  final private class Caller[A](work: => A) {
    @volatile private var result = Option.empty[Try[A]]
    val thread = new Thread(() =>
      result = Some(
        try Success(work)
        catch { case e: Throwable => Failure(e) } // Try lets an InterruptedException through
      )
    )
    thread.start()

    def awaitWaiting(): this.type = {
      eventually(timeout(oneMinute))(assert(thread.getState == Thread.State.WAITING))
      this
    }

    def answer: Try[A] = {
      thread.join(60000)
      result.getOrElse(fail("the caller is still waiting"))
    }
  }

  /** A load that a test releases. */
  final private class Gate {
    private val (entered, opened) = (new CountDownLatch(1), new CountDownLatch(1))
    def pass(): Unit = {
      entered.countDown()
      assert(opened.await(60, TimeUnit.SECONDS))
    }
    def awaitEntered(): Unit = assert(entered.await(60, TimeUnit.SECONDS))
    def open(): Unit = opened.countDown()
  }

  test("a value is loaded once, and only the lease that loaded it is new") {
    val texts = new Texts
    val leases = Seq.fill(3)(texts.acquire("a"))
    assert(leases.map(_.value) == Seq("a", "a", "a") && leases.map(_.isNew) == Seq(true, false, false))
    assert(texts.cache.loadCount == 1 && texts.cache.size == 1)
  }

  test("threads that ask for a key at the same time wait for one load") {
    val cache = new KeyedCache[String, AnyRef]()
    val (gate, loads) = (new Gate, new AtomicInteger)
    def ask() = new Caller(
      cache
        .acquire("key") {
          loads.incrementAndGet()
          gate.pass()
          new Object
        }
        .value
    )
    val first = ask()
    gate.awaitEntered()
    val others = Seq.fill(5)(ask().awaitWaiting())
    gate.open()
    assert((first +: others).map(_.answer.get).distinct.size == 1 && loads.get == 1)
  }

  test("a load delays neither other keys nor the counts of the cache") {
    val texts = new Texts
    val gate = new Gate
    val slow = new Caller(texts.cache.acquire("slow") { gate.pass(); "slow" }.value)
    gate.awaitEntered()
    assert(texts.acquire("quick").value == "quick" && texts.cache.size == 1)
    gate.open()
    assert(slow.answer == Success("slow"))
  }

  test("no lock is held while a value is closed") {
    val gate = new Gate
    val cache = new KeyedCache[String, String](_ => gate.pass())
    cache.get("a")("a")
    val closing = new Caller(cache.closeUnused())
    gate.awaitEntered()
    assert(cache.acquire("b")("b").value == "b")
    gate.open()
    assert(closing.answer.isSuccess)
  }

  test("a load that fails is not cached, and its exception is the one of the caller that loaded") {
    val texts = new Texts
    val failure = new IOException("no such file")
    assert(intercept[IOException](texts.cache.acquire("a")(throw failure)) eq failure)
    assert(texts.cache.size == 0 && texts.acquire("a").value == "a" && texts.cache.loadCount == 1)
  }

  test("a caller that waited for a load that failed loads itself") {
    val cache = new KeyedCache[String, String]()
    val gate = new Gate
    val failing = new Caller(cache.acquire("a") { gate.pass(); throw new IOException("broken") })
    gate.awaitEntered()
    val waiting = new Caller(cache.acquire("a")("whole").value).awaitWaiting()
    gate.open()
    assert(failing.answer.failed.get.getMessage == "broken" && waiting.answer == Success("whole"))
  }

  test("a caller that is interrupted while it waits has no lease, and the load goes on") {
    val texts = new Texts
    val gate = new Gate
    val loading = new Caller(texts.cache.acquire("a") { gate.pass(); "a" })
    gate.awaitEntered()
    val waiting = new Caller(texts.acquire("a")).awaitWaiting()
    waiting.thread.interrupt()
    assert(waiting.answer.failed.get.isInstanceOf[InterruptedException])
    gate.open()
    loading.answer.get.close()
    texts.cache.closeUnused()
    assert(texts.closed == Seq("a"))
  }

  test("a value stays while somebody holds a lease, however short its time") {
    val texts = new Texts
    val held = texts.acquire("a", 1.milli)
    texts.use("a", 1.milli)
    texts.expiry.advance(1.hour)
    texts.cache.closeUnused()
    assert(texts.closed.isEmpty)
    held.close()
    texts.expiry.advance(1.milli)
    assert(texts.closed == Seq("a"))
  }

  test("an unused value stays for as long as its lease asked for, and not longer") {
    val texts = new Texts
    texts.use("a", 50.millis)
    texts.use("b", 1.hour)
    texts.expiry.advance(49.millis)
    assert(texts.closed.isEmpty)
    texts.expiry.advance(1.milli)
    assert(texts.closed == Seq("a") && texts.cache.size == 1)
  }

  test("of two leases the one that asked for longer counts, whichever ends last") {
    val texts = new Texts
    val short = texts.acquire("a", 1.milli)
    texts.use("a", 500.millis)
    short.close()
    texts.expiry.advance(100.millis)
    assert(texts.closed.isEmpty)
    texts.expiry.advance(400.millis)
    assert(texts.closed == Seq("a"))
  }

  test("a value that is used again stays from its last use on") {
    val texts = new Texts
    texts.use("a", 10.millis)
    texts.expiry.advance(9.millis)
    texts.use("a", 10.millis)
    texts.expiry.advance(9.millis)
    assert(texts.closed.isEmpty)
    texts.expiry.advance(1.milli)
    assert(texts.closed == Seq("a"))
  }

  test("however often a value is used, at most one task of the timer waits for it") {
    val texts = new Texts
    (1 to 100).foreach(_ => texts.use("a", 10.millis))
    assert(texts.expiry.pending == 1)
    texts.expiry.advance(9.millis)
    texts.use("a", 10.millis)
    texts.expiry.advance(1.milli)
    assert(texts.closed.isEmpty && texts.expiry.pending == 1, "the task came too early and waits again")
    texts.expiry.advance(9.millis)
    assert(texts.closed == Seq("a") && texts.expiry.pending == 0)
  }

  test("a task of the timer that finds its value in use does not wait again, and the next release schedules another") {
    val texts = new Texts
    texts.use("a", 10.millis)
    val held = texts.acquire("a", 10.millis)
    texts.expiry.advance(10.millis)
    assert(texts.closed.isEmpty && texts.expiry.pending == 0)
    held.close()
    assert(texts.expiry.pending == 1)
    texts.expiry.advance(10.millis)
    assert(texts.closed == Seq("a"))
  }

  test("a value without idle time is closed with its last lease, by the thread that closes it") {
    val texts = new Texts
    val leases = Seq.fill(2)(texts.acquire("a", Duration.Zero))
    leases.head.close()
    assert(texts.closed.isEmpty)
    leases.last.close()
    assert(texts.closed == Seq("a"))
  }

  test("a lease closed twice gives back one claim") {
    val texts = new Texts
    val other = texts.acquire("a", Duration.Zero)
    val lease = texts.acquire("a", Duration.Zero)
    lease.close()
    lease.close()
    assert(texts.closed.isEmpty)
    other.close()
    assert(texts.closed == Seq("a"))
  }

  test("beyond the limit the least recently used value goes") {
    val texts = new Texts(limit = 2)
    Seq("a", "b", "a", "c").foreach(texts.use(_))
    assert(texts.closed == Seq("b"))
    texts.use("b")
    assert(texts.closed == Seq("b", "a") && texts.cache.size == 2)
  }

  test("values are weighed, and as many go as needed") {
    val texts = new Texts(limit = 10, weigh = _.length.toLong)
    Seq("aaa", "bbb", "ccc").foreach(texts.use(_))
    texts.use("ddddd")
    assert(texts.closed == Seq("aaa", "bbb"))
  }

  test("values in use may exceed the limit, and go when they are not used any more") {
    val texts = new Texts(limit = 1)
    val leases = Seq("a", "b").map(texts.acquire(_))
    assert(texts.closed.isEmpty && texts.cache.size == 2)
    leases.foreach(_.close())
    assert(texts.closed == Seq("a") && texts.cache.size == 1)
  }

  test("a value that is discarded is loaded again, and closed when its last lease is") {
    val texts = new Texts
    val held = texts.acquire("a")
    texts.cache.discard("a")(_ => true)
    val again = texts.acquire("a")
    assert(again.isNew && texts.closed.isEmpty)
    held.close()
    assert(texts.closed == Seq("a"))
    again.close()
    assert(texts.closed == Seq("a"), "the new value stays")
  }

  test("a value that is usable is not discarded, and a key without a value is no failure") {
    val texts = new Texts
    texts.use("a")
    texts.cache.discard("a")(_ => false)
    texts.cache.discard("b")(_ => fail("there is nothing to look at"))
    assert(!texts.acquire("a").isNew)
  }

  test("closing the cache closes what is unused at once, and what is in use with its last lease") {
    val texts = new Texts
    texts.use("a")
    val held = texts.acquire("b")
    texts.cache.close()
    assert(texts.closed == Seq("a"))
    held.close()
    assert(texts.closed == Seq("a", "b"))
    intercept[IllegalStateException](texts.acquire("c"))
  }

  test("a value whose closing fails does not keep others from being closed") {
    val closed = mutable.ArrayBuffer[String]()
    val cache = new KeyedCache[String, String](text =>
      if (text == "a") throw new IOException("broken") else { val _ = closed += text }
    )
    Seq("a", "b").foreach(key => cache.get(key)(key))
    cache.closeUnused()
    assert(closed.toSeq == Seq("b") && cache.size == 0)
  }

  test("many threads that load, use and drop few keys never see a closed value, and every value is closed in the end") {
    final class Resource(val key: Int) { @volatile var isClosed = false }
    val open = Array.fill(4)(new AtomicInteger)
    val cache = new KeyedCache[Int, Resource](
      resource => {
        resource.isClosed = true
        val _ = open(resource.key).decrementAndGet()
      },
      limit = 2
    )
    val problems = new AtomicInteger
    val callers = (0 until 8).map { caller =>
      new Caller((0 until 2000).foreach { turn =>
        val key = (caller + turn * 7) % 4
        val lease = cache.acquire(key, if (turn % 3 == 0) Duration.Zero else KeyedCache.Forever) {
          open(key).incrementAndGet()
          new Resource(key)
        }
        if (lease.value.isClosed || lease.value.key != key) problems.incrementAndGet()
        lease.close()
      })
    }
    callers.foreach(_.answer.get)
    cache.close()
    assert(problems.get == 0 && open.map(_.get).sum == 0)
  }
}
