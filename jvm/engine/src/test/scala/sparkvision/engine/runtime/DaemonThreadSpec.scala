package sparkvision.engine.runtime

import java.net.URLClassLoader

import org.scalatest.funsuite.AnyFunSuite

class DaemonThreadSpec extends AnyFunSuite {

  test("a daemon thread keeps nothing of the thread that starts it") {
    val ofTheTask = new InheritableThreadLocal[String]
    var (inherited, ran) = ("not read", "")
    val task = new Thread(() => {
      Thread.currentThread.setContextClassLoader(new URLClassLoader(Array.empty, null))
      ofTheTask.set("of the task")
      val thread = DaemonThread("sparkvision-test") { () =>
        inherited = ofTheTask.get
        ran = Thread.currentThread.getName
        assert(Thread.currentThread.getContextClassLoader == null)
      }
      assert(thread.isDaemon && thread.getContextClassLoader == null)
      thread.start()
      thread.join()
    })
    task.start()
    task.join()
    assert(ran == "sparkvision-test" && inherited == null)
  }
}
