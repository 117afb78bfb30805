package sparkvision.image.codec

import org.bytedeco.javacpp.{BytePointer, Loader, Pointer, PointerPointer, PointerScope}
import org.bytedeco.opencv.opencv_core.ErrorCallback

/** Calls a C function of one int that no binding has, by its name among the libraries that are loaded.
  *
  * It is called as a bound function type whose first argument is an int too; the calling conventions of x86-64 and AArch64
  * let a function ignore further arguments. JavaCPP's function pointers are a pair in native memory: the address, and a Java
  * object that is null for native functions.
  */
private[sparkvision] object NativeFunction {

  /** Does nothing where no library has such a function. OpenCV's libraries must be loaded. */
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
