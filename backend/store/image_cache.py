"""Where a project's images are kept, by the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from backend.combining import Combine
from backend.content.addresses import Place
from backend.content.pictures import decoded, thumbnail
from backend.encoders.images import find_image_encoder, kept_image_encoder
from backend.encoders.pictures import ImageEncoder
from backend.errors import DamagedFile
from backend.settings import Settings
from backend.store.files import Files, files_of
from backend.store.image_maps import ImageMaps, map_encoder_named
from backend.store.images import Image, ImageFiles, digest_of_bytes
from backend.store.kept_images import KeptImages
from backend.store.kept_several import KeptSeveral
from backend.store.paths import project_dir
from backend.store.waiting import WaitingTexts


@dataclass(frozen=True)
class ImageCache:
    """Of one project. place: how its tasks name images."""

    place: Place
    files: Files

    @property
    def waiting(self) -> WaitingTexts:
        """Addresses that wait to be fetched."""
        return WaitingTexts(self.files)

    def images(self, encoder: ImageEncoder) -> ImageFiles:
        return ImageFiles(self.files, encoder.name, encoder.dims)

    def keep(self, name: str, contents: Mapping[str, bytes]) -> None:
        """Vectors and small pictures of images that are at hand, by the encoder of this name, as if they had
        been fetched. contents: by what stands in a task. Raises ValueError, or NoContent."""
        encoder = find_image_encoder(name)
        pictures = {value: decoded(content) for value, content in contents.items()}
        vectors = encoder.encode([picture.pixels for picture in pictures.values()]).numpy()
        self.images(encoder).add(
            [
                Image(self.place.name(value), digest_of_bytes(contents[value]), vector, thumbnail(picture))
                for (value, picture), vector in zip(pictures.items(), vectors, strict=True)
            ]
        )

    def kept(self, name: str, maps: str = "") -> KeptImages:
        """By the encoder of this name, with the maps by the one of that name. Raises DamagedFile where there
        is none here."""
        encoder = self.encoder(name)
        made = ImageMaps(self.files, map_encoder_named(maps)) if maps else None
        return KeptImages(self.images(encoder), self.place, encoder.dims, made)

    def kept_several(self, name: str, count: int, combine: Combine) -> KeptSeveral:
        """Of contents of several images. Raises as `kept`."""
        encoder = self.encoder(name)
        return KeptSeveral(self.images(encoder), self.place, encoder.dims, count, combine)

    def encoder(self, name: str) -> ImageEncoder:
        """Its weights are read when they are needed. Raises DamagedFile where there is none here."""
        try:
            encoder = kept_image_encoder(name)
        except ValueError as error:
            raise DamagedFile(f"image encoder {name} cannot be used: {error}") from error
        return encoder


def image_cache(settings: Settings, project_id: int) -> ImageCache:
    place = Place(settings.label_studio_url, settings.label_studio_host, project_id)
    folder = project_dir(settings.data_dir, project_id) / "images"
    return ImageCache(place, files_of(folder, settings.model_store))
