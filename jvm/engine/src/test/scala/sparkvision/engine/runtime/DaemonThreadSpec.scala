package sparkvision.engine.runtime

import java.net.URLClassLoader

import org.scalatest.funsuite.AnyFunSuite

class DaemonThreadSpec extends AnyFunSuite {

  test("a daemon thread keeps nothing of the thread that starts it") {
    val local = new InheritableThreadLocal[String]
    var found = Option.empty[(String, ClassLoader, String)]
    var thread = Option.empty[Thread]
    val task = new Thread(() => {
      Thread.currentThread.setContextClassLoader(new URLClassLoader(Array.empty, null))
      local.set("of the task")
      val started = DaemonThread("sparkvision-test") { () =>
        val current = Thread.currentThread
        found = Some((current.getName, current.getContextClassLoader, local.get))
      }
      thread = Some(started)
      started.start()
      started.join()
    })
    task.start()
    task.join()
    assert(thread.exists(_.isDaemon) && found.contains(("sparkvision-test", null, null)))
  }
}
