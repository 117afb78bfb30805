package sparkvision.engine;

import java.nio.file.Files;
import java.nio.file.Path;

import sparkvision.engine.postprocess.ScoredLabel;

/** A Java program that uses a model as docs/local.md shows; compiled, so that it says what Java sees. */
public final class LocalModelFromJava {
  private LocalModelFromJava() {}

  /** An image's best class. */
  public static ScoredLabel best(String bundle, Path image) throws Exception {
    try (LocalModel model = LocalModel.open(bundle)) {
      byte[][] images = {Files.readAllBytes(image)};
      return model.predict(images, 1)[0][0];
    }
  }

  /** An image's classes, by the settings. */
  public static ScoredLabel[] labels(String bundle, String settings, Path image) throws Exception {
    try (LocalModel model = LocalModel.openWith(bundle, settings)) {
      return model.predict(new byte[][] {Files.readAllBytes(image)})[0];
    }
  }

  /** How many numbers an image has before the model and after it. */
  public static int[] sizes(String bundle, Path image) throws Exception {
    try (LocalModel model = LocalModel.open(bundle)) {
      byte[][] images = {Files.readAllBytes(image)};
      return new int[] {model.preprocess(images)[0].length, model.logits(images)[0].length};
    }
  }

  /** How many numbers an image's embedding has. */
  public static int embeddingSize(Path bundle, Path image) throws Exception {
    try (LocalModel model = LocalModel.open(bundle.toString())) {
      return model.embed(new byte[][] {Files.readAllBytes(image)})[0].length;
    }
  }
}
