package sparkvision.engine.bundle

/** The half of a model that reads texts: its embeddings lie where those of the images do, so that the two compare.
  *
  * @param graph
  *   the file of its ONNX graph; its one input is token ids of shape [texts, tokens]
  * @param tokenizer
  *   the file from which a `TextTokenizer` is made, the longest text's length included
  * @param output
  *   the graph's output: embeddings of shape [texts, size]
  * @param logitScale
  *   what a cosine between image and text is multiplied by to be a logit
  * @param hypothesisTemplate
  *   the sentence that the bundle's labels were put into at export, in the place of `{}`
  * @param labelEmbeddings
  *   the file of the embeddings of the bundle's labels, raw little-endian float32 of shape [labels, size]; None where the
  *   bundle has no labels
  */
final case class TextModel(
    graph: String,
    tokenizer: String,
    input: TensorInfo,
    output: TensorInfo,
    golden: GoldenPair,
    logitScale: Double,
    hypothesisTemplate: String,
    labelEmbeddings: Option[String]
)
