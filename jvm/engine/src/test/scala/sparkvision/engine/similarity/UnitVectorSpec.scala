package sparkvision.engine.similarity

import org.scalatest.funsuite.AnyFunSuite

class UnitVectorSpec extends AnyFunSuite {

  private def reason(values: Double*) = UnitVector.of(values.toArray, 2).left.toOption.get

  test("a vector is divided by its length, however long or short it is") {
    Seq(1.0, 1e-300, 1e300).foreach { scale =>
      assert(UnitVector.of(Array(3 * scale, 4 * scale), 2).map(_.toSeq) == Right(Seq(0.6f, 0.8f)))
    }
  }

  test("a vector without a direction is refused with the reason") {
    assert(UnitVector.of(null, 2) == Left("the vector is null"))
    assert(reason(1, 2, 3) == "the vector has 3 numbers, and those of the index have 2")
    assert(reason(Double.NaN, 1).contains("NaN") && reason(1, Double.NegativeInfinity).contains("infinity"))
    assert(reason(0, -0.0).contains("zeros"))
  }
}
