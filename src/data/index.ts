/** What other folders use of the data. */
export { countLabels, DATASET_NAMES, gatherSamples, imageByteCount, labelsOf } from './imageSet.js';
export type { DatasetName, ImageFormat, ImageSet, ImageShape, RawSamples } from './imageSet.js';
export { arrayImageSet } from './arrayImageSet.js';
export type { LabelledImages } from './arrayImageSet.js';
export { FIXED_DATASETS, formatOf, isFixedDataset } from './formats.js';
export {
  BAD_IMAGE_CHOICES,
  CHANNEL_CHOICES,
  checkTestSource,
  isFileSource,
  openSource,
  openSourceTest,
  USUAL_READING,
} from './openSource.js';
export type { FileSource, OpenedSource, Reading, SourceOptions } from './openSource.js';
export { openAnySource, reportSource, verifyFolder } from './sourceReport.js';
export type { FolderPartReport, PartReport } from './sourceReport.js';
export { drawMixing } from './mixup.js';
export { contactSheet, drawSheet, SHEET_COLUMNS } from './contactSheet.js';
export { decodeImages } from './decodeImages.js';
export type { BadPicture } from './pictures/pictureFault.js';
export type { DecodingProgress } from './pictures/packPictures.js';
export { loadCifar10, loadCifar10Test } from './cifar10.js';
export { findCifar10, locateCifar10 } from './cifar10Layout.js';
export type { Cifar10Layout, Cifar10Location } from './cifar10Layout.js';
export { syntheticTestSet, syntheticTrainingSet } from './synthetic.js';
export { brokenLinkAt, makeFolders } from './makeFolders.js';
export { describeProxy, tunnelThrough } from './tunnel.js';
export { splitTrainingSet } from './split.js';
export type { SplitOptions, TrainingSplit } from './split.js';
export { checkBatchSizes, planEpoch, planEvaluation, stepsPerEpoch } from './plan.js';
export type { EpochPlan, EpochPlanOptions, MicroBatchPlan, StepPlan } from './plan.js';
export { whiteningFilters } from './whitening.js';
export { measureNormalisation, momentsOf } from './normalisation.js';
export type { Normalisation } from './normalisation.js';
export {
  alternatingFlips,
  augmentationKey,
  BORDERS,
  drawWindows,
  dropoutKey,
  isCropAndFlip,
} from './augmentation.js';
export { prepareImages, tableOf } from './prepare.js';
export { VIEWS, VIEW_SETS } from './views.js';
export type { ViewSet } from './views.js';
export { differencesOf, digestSamples } from './sampleDigests.js';
export type { PartDigests, SampleDigests } from './sampleDigests.js';
export type { Augmentation, AugmentationOptions, AugmentationSettings } from './augmentation.js';
export type { PrepareOptions } from './prepare.js';
export { downloadCifar10, OFFICIAL_ARCHIVE } from './download.js';
export type { Cifar10Archive, DownloadOptions, DownloadProgress, DownloadResult } from './download.js';
export { verifyCifar10 } from './verify.js';
export type { Cifar10Report, FileChecksum, FileReport } from './verify.js';
export { readRegularFile } from './regularFile.js';
export { loadDecoder } from './pictures/loadDecoder.js';
export { isPictureName } from './pictures/pictureFiles.js';
export { decodePicture, LARGEST_PICTURE_BYTES, readPictureFile } from './pictures/decodePicture.js';
export type { PictureShape } from './pictures/decodePicture.js';
export { PICTURE_FAULTS, PictureError } from './pictures/pictureFault.js';
export type { PictureFault } from './pictures/pictureFault.js';
