package sparkvision.ml

import org.apache.spark.{SparkContext, SparkEnv}

import sparkvision.engine.session.ExecutorRuntime

/** Inspects the executors of an application with a job of its own, for the tests and the soak. */
object ExecutorProbe {

  /** Long enough for the scheduler to give every free core a task. */
  private val TaskMillis = 100L

  /** "executor's id, process id, sessions that are open" of each executor that had a free core. */
  def states(context: SparkContext): Array[String] =
    context
      .parallelize(0 until 2 * context.defaultParallelism, 2 * context.defaultParallelism)
      .map { _ =>
        Thread.sleep(TaskMillis)
        s"${SparkEnv.get.executorId} ${ProcessHandle.current.pid} ${ExecutorRuntime.ofThisProcess.sessions.openCount}"
      }
      .collect()
      .distinct
}
