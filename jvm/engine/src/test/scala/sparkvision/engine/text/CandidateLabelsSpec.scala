package sparkvision.engine.text

import org.scalatest.funsuite.AnyFunSuite

import sparkvision.image.ParameterException

class CandidateLabelsSpec extends AnyFunSuite {
  private val labels = IndexedSeq("a cat", "$1 {} note")

  test("a label goes into the template as it is") {
    val sentences = Hypotheses(labels, "This is {}, or so").sentences
    assert(sentences == Seq("This is a cat, or so", "This is $1 {} note, or so"))
  }

  test("a template needs one place for the label, and has no other brace") {
    for (template <- Seq("a photo", "{} and {}", "{0}", "{{}}", "{", "}{}")) {
      val message = intercept[ParameterException](Hypotheses(labels, template)).getMessage
      assert(message.startsWith(s"hypothesisTemplate is '$template'"), template)
    }
  }
}
