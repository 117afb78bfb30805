package sparkvision.engine.runtime

/** The threads that outlive the task or query that happens to start them. */
private[engine] object DaemonThread {

  /** A daemon thread, not started, that has neither the context class loader nor the inheritable thread-locals of its
    * creator. Otherwise it would keep the classes of a Spark application, and its session, in memory after the application
    * has ended.
    */
  def apply(name: String)(task: Runnable): Thread = {
    val thread = new Thread(null, task, name, DefaultStackSize, InheritsThreadLocals)
    thread.setDaemon(true)
    thread.setContextClassLoader(null)
    thread
  }

  private val DefaultStackSize = 0L
  private val InheritsThreadLocals = false
}
