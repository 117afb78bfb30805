package sparkvision.engine;

import java.nio.file.Files;
import java.nio.file.Path;

/** A Java program that uses a model as docs/local.md shows; compiled, so that it says what Java sees. */
public final class LocalModelFromJava {
  private LocalModelFromJava() {}

  /** A picture's best class. */
  public static ScoredLabel best(String bundle, Path picture) throws Exception {
    try (LocalModel model = LocalModel.open(bundle)) {
      byte[][] pictures = {Files.readAllBytes(picture)};
      return model.predict(pictures, 1)[0][0];
    }
  }

  /** How many numbers a picture has before the model and after it. */
  public static int[] sizes(String bundle, Path picture) throws Exception {
    try (LocalModel model = LocalModel.open(bundle)) {
      byte[][] pictures = {Files.readAllBytes(picture)};
      return new int[] {model.preprocess(pictures)[0].length, model.logits(pictures)[0].length};
    }
  }

  /** How many numbers a picture's embedding has. */
  public static int embeddingSize(Path bundle, Path picture) throws Exception {
    try (LocalModel model = LocalModel.open(bundle.toString())) {
      return model.embed(new byte[][] {Files.readAllBytes(picture)})[0].length;
    }
  }
}
