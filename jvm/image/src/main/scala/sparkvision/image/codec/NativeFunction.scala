package sparkvision.image.codec

import org.bytedeco.javacpp.{BytePointer, Loader, Pointer, PointerPointer, PointerScope}
import org.bytedeco.opencv.opencv_core.ErrorCallback

/** Calls a C function with one int argument that the bindings lack, by its symbol in the loaded libraries.
  *
  * The function is called through a bound function type whose first argument is an int as well; by the calling conventions
  * of x86-64 and AArch64 a function ignores further arguments. A function pointer of JavaCPP is a pair in native memory: the
  * address, and a Java object that is null for native functions.
  */
private[sparkvision] object NativeFunction {

  /** Calls the function, or does nothing when no library has it. The libraries of OpenCV must be loaded. */
  def call(symbol: String, argument: Int): Unit =
    Option(Loader.addressof(symbol)).foreach { address =>
      val scope = new PointerScope()
      try {
        val function = new PointerPointer[Pointer](2L).put(0L, address).put(1L, NoPointer)
        val _ = new ErrorCallback(function).call(argument, NoText, NoText, NoText, 0, NoPointer)
      } finally scope.close()
    }

  private val NoPointer: Pointer = null
  private val NoText: BytePointer = null
}
