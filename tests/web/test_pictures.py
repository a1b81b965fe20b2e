"""Pictures in the journal: nothing but pixels stays, they are their owner's alone, and what is no picture is refused."""

from __future__ import annotations

import io
import logging
import random
import re
import struct
import zipfile
import zlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from closeknit import vault
from closeknit.web.reflect import gallery, images
from closeknit.web.reflect.models import Picture, PicturePart
from closeknit.web.reporter import QuietFormatter
from closeknit.web.sealed.kinds import REGISTRY, Reading
from closeknit.web.taking import copying

from .test_plaintext import every_value
from .test_sheets import get, send
from .test_taking import CHECK

SECRET = "marmoset-lane-17"


def drawn(wide: int = 60, high: int = 40, colour: str = "teal", mode: str = "RGB") -> Image.Image:
    return Image.new(mode, (wide, high), colour)


def pressed(image: Image.Image, kind: str = "JPEG", **more) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def noise(wide: int, high: int) -> Image.Image:
    return Image.frombytes("RGB", (wide, high), random.Random(7).randbytes(wide * high * 3))


def opened(jpeg: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(jpeg))
    image.load()
    return image


# -- what is kept of a picture ----------------------------------------------------------------------------------------------


def told_of() -> bytes:
    """A photograph that tells where it was taken, by whom, and that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = SECRET
    exif.get_ifd(0x8825)[2] = (52.0, 31.0, 12.0)
    exif.get_ifd(0x8769)[0x9286] = SECRET.encode()
    xmp = f"<x:xmpmeta>{SECRET}</x:xmpmeta>".encode()
    return pressed(noise(60, 40), exif=exif, comment=SECRET.encode(), xmp=xmp, icc_profile=SECRET.encode() * 20)


def test_where_when_and_by_whom_are_gone_and_it_stands_upright():
    raw = told_of()
    assert raw.count(SECRET.encode()) >= 4 and Image.open(io.BytesIO(raw)).getexif()[0x0112] == 6
    made = images.made_safe(raw)
    image = opened(made.jpeg)
    assert (made.wide, made.high) == image.size == (40, 60)
    assert SECRET.encode() not in made.jpeg and b"Exif" not in made.jpeg and b"http" not in made.jpeg
    assert not image.getexif() and set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}


def test_whatever_the_decoder_says_to_a_log_holds_none_of_it():
    """At its most talkative it tells each tag of a photograph; no line of ours repeats what a library says."""
    stream, heard = io.StringIO(), []
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(QuietFormatter())
    handler.addFilter(lambda record: heard.append(record.getMessage()) or True)
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        images.made_safe(told_of())
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert any(SECRET in line for line in heard), "the decoder no longer tells; the test shows nothing then"
    assert SECRET not in stream.getvalue()


def test_texts_in_a_png_and_a_webp_are_gone():
    about = PngInfo()
    about.add_text("Comment", SECRET)
    about.add_itxt("Place", SECRET, zip=True)
    for raw in (pressed(drawn(), "PNG", pnginfo=about), pressed(drawn(), "WEBP", xmp=SECRET.encode())):
        assert SECRET.encode() in raw
        assert SECRET.encode() not in images.made_safe(raw).jpeg


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_large_one_becomes_small_and_keeps_its_shape(kind):
    made = images.made_safe(pressed(drawn(3200, 1600), kind))
    assert (made.wide, made.high) == (1600, 800) and opened(made.jpeg).size == (1600, 800)


def test_even_noise_fits():
    made = images.made_safe(pressed(noise(2000, 1800), "PNG"))
    assert len(made.jpeg) <= images.MOST_KEPT and min(made.wide, made.high) >= 700


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "L", "1", "I;16", "CMYK"])
def test_every_sort_of_colour_comes_out_as_a_picture(mode):
    image = Image.new(mode, (20, 20)) if mode != "P" else drawn().quantize(4)
    made = images.made_safe(pressed(image, "JPEG" if mode == "CMYK" else "PNG"))
    assert opened(made.jpeg).mode == "RGB"


def test_what_is_clear_becomes_white():
    image = opened(images.made_safe(pressed(Image.new("RGBA", (20, 20), (0, 0, 0, 0)), "PNG")).jpeg)
    assert min(image.getpixel((10, 10))) >= 250


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(wide: int, high: int) -> bytes:
    """A PNG of a few kilobytes that is black for very many pixels."""
    rows = zlib.compress(bytes(min(high, 4000) * (wide // 8 + 1)), 9)
    head = struct.pack(">IIBBBBB", wide, high, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "kind"),
        (b"GIF89a" + bytes(40), "kind"),
        (pressed(drawn().convert("P"), "GIF"), "kind"),
        (pressed(drawn(), "TIFF"), "kind"),
        (pressed(drawn(), "BMP"), "kind"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>", "kind"),
        (b"<html><script>1</script>", "kind"),
        (b"%PDF-1.7", "kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "kind"),
        (b"PK\x03\x04" + bytes(60), "kind"),
        (bomb(6000, 6000), "pixels"),
        (bomb(60_000, 60_000), "pixels"),
        (pressed(noise(200, 200))[:9000], "broken"),
        (pressed(noise(200, 200), "PNG")[:9000], "broken"),
        (pressed(noise(200, 200), "WEBP")[:9000], "kind"),
        (bytes(images.MOST_BYTES + 1), "size"),
    ],
)
def test_what_is_no_picture_or_too_much_of_one_is_refused(raw, why):
    with pytest.raises(images.Unusable) as caught:
        images.made_safe(raw)
    assert caught.value.why == why


def test_a_bomb_is_refused_before_it_is_unpacked(monkeypatch):
    def loaded(*_args, **_kwargs):
        raise AssertionError("unpacked")

    monkeypatch.setattr(Image.Image, "load", loaded)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", loaded)
    with pytest.raises(images.Unusable):
        images.made_safe(bomb(6000, 6000))


def test_broken_bytes_of_all_kinds_set_nothing_off():
    dice = random.Random(3)
    for kind in images.FORMATS:
        whole = pressed(noise(40, 40), kind)
        for _time in range(120):
            raw = bytearray(whole)
            for _change in range(dice.randint(1, 12)):
                raw[dice.randrange(len(raw))] = dice.randrange(256)
            try:
                images.made_safe(bytes(raw))
            except images.Unusable:
                pass


# -- in the journal ---------------------------------------------------------------------------------------------------------


def file(raw: bytes, name: str = "IMG_2041.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, raw, "image/jpeg")


@pytest.fixture
def entry(cast) -> str:
    """The address of the pictures of an entry of Ana's."""
    send(cast.ana, "/reflect/write/", text="The path behind the mill.")
    return re.search(r"/reflect/pictures/[0-9a-f-]+/", get(cast.ana, "/reflect/journal/")).group(0)


def sources(page: str) -> list[str]:
    return re.findall(r'<img src="([^"]+)"', page)


@pytest.mark.django_db
def test_an_entry_is_found_by_what_stands_beneath_its_picture(cast, entry):
    send(cast.ana, entry, file=file(told_of()), says="Two herons.")
    assert "The path behind the mill." in cast.ana.client.post("/reflect/journal/", {"q": "herons mill"}).text
    assert "The path behind the mill." not in cast.ana.client.post("/reflect/journal/", {"q": "herons sea"}).text


@pytest.mark.django_db
def test_a_picture_stands_by_its_entry_and_can_be_taken_away(cast, entry):
    send(cast.ana, entry, file=file(told_of()), says="The mill in March.")
    page = get(cast.ana, "/reflect/journal/")
    assert page.count('alt="The mill in March."') == 1
    (source,) = sources(page)
    answer = cast.ana.client.get(source)
    assert answer.status_code == 200 and answer["Content-Type"] == "image/jpeg" and "no-store" in answer["Cache-Control"]
    assert answer["X-Content-Type-Options"] == "nosniff" and opened(answer.content).size == (40, 60)
    found = cast.ana.client.post("/reflect/journal/", {"q": "mill"}).content.decode()
    assert sources(found) == [source]
    send(cast.ana, entry, gone=source.rstrip("/").split("/")[-1])
    assert not Picture.objects.exists() and not PicturePart.objects.exists()
    assert cast.ana.client.get(source).status_code == 404


@pytest.mark.django_db
def test_a_large_picture_is_kept_in_parts_and_comes_back_whole(cast, entry):
    raw = pressed(noise(1500, 900), "PNG")
    send(cast.ana, entry, file=file(raw, "x.png"))
    assert PicturePart.objects.count() >= 5
    (source,) = sources(get(cast.ana, entry))
    assert cast.ana.client.get(source).content == images.made_safe(raw).jpeg


@pytest.mark.django_db
@pytest.mark.parametrize(("raw", "says"), [(b"<svg></svg>", "no JPEG, PNG or WebP"), (b"", "Choose a picture first")])
def test_a_file_that_is_none_gets_a_word_and_what_was_typed_stays(cast, entry, raw, says):
    page = send(cast.ana, entry, 422, file=file(raw), says="The mill.")
    assert says in page and 'value="The mill."' in page and not Picture.objects.exists()
    assert "Choose a picture first" in send(cast.ana, entry, 422, says="The mill.")


@pytest.mark.django_db
def test_six_are_enough(cast, entry):
    for _time in range(6):
        send(cast.ana, entry, file=file(pressed(drawn())))
    assert "room for six" in get(cast.ana, entry)
    assert "room for six pictures" in send(cast.ana, entry, 422, file=file(pressed(drawn())))
    assert Picture.objects.count() == 6


@pytest.mark.django_db
def test_it_is_nobody_elses_and_behind_the_lock(cast, entry):
    send(cast.ana, entry, file=file(pressed(drawn())))
    (source,) = sources(get(cast.ana, entry))
    for path in (entry, source):
        assert cast.jonas.client.get(path).status_code == 404
    assert cast.jonas.client.post(entry, {"gone": source.split("/")[-2]}).status_code == 404 and Picture.objects.exists()
    assert cast.jonas.client.post(entry, {"file": file(pressed(drawn()))}).status_code == 404
    cast.ana.client.post("/lock/")
    for path in (entry, source):
        assert cast.ana.client.get(path).status_code == 403


@pytest.mark.django_db
def test_no_table_holds_a_readable_byte_of_it(cast, entry):
    raw = told_of()
    send(cast.ana, entry, file=file(raw), says=SECRET)
    held = every_value()
    jpeg = images.made_safe(raw).jpeg
    assert SECRET.encode() not in held and b"JFIF" not in held and b"IMG_2041" not in held
    assert jpeg[200:240] not in held and Picture.objects.count() == 1


@pytest.mark.django_db
def test_it_goes_with_its_entry_and_with_the_account(cast, entry):
    send(cast.ana, entry, file=file(pressed(drawn())))
    word = entry.split("/")[-2]
    send(cast.ana, f"/you/words/{word}/delete/")
    assert not Picture.objects.exists() and not PicturePart.objects.exists()
    send(cast.ana, "/reflect/write/", text="Another.")
    again = re.search(r"/reflect/pictures/[0-9a-f-]+/", get(cast.ana, "/reflect/journal/")).group(0)
    send(cast.ana, again, file=file(pressed(drawn())))
    assert REGISTRY["reflect.picturepart"].erase(cast.ana.member) == 1 and REGISTRY["reflect.picture"].erase(cast.ana.member)


@pytest.mark.django_db
def test_a_part_that_was_changed_moved_or_taken_does_not_open(cast, entry):
    raw = pressed(noise(1000, 700), "PNG")
    for _time in range(2):
        send(cast.ana, entry, file=file(raw))
    one, other = Picture.objects.order_by("pk")
    key = cast.ana.keyring
    whole = gallery.picture_bytes(key, one)
    last = one.parts.order_by("number").last()
    theirs = other.parts.get(number=last.number)
    body = last.body
    PicturePart.objects.filter(pk=last.pk).update(body=theirs.body)
    with pytest.raises(gallery.Tampered):
        gallery.picture_bytes(key, one)
    PicturePart.objects.filter(pk=last.pk).update(body=body)
    assert gallery.picture_bytes(key, one) == whole
    last.delete()
    with pytest.raises(gallery.Tampered):
        gallery.picture_bytes(key, one)
    assert cast.ana.client.get(f"{entry}{one.pk}/").status_code != 200


@pytest.mark.django_db
def test_it_is_in_the_copy_as_a_file(cast, entry):
    raw = told_of()
    send(cast.ana, entry, file=file(raw), says="The mill.")
    reading = Reading(cast.ana.member, cast.ana.keyring, [cast.ana.bond(cast.pair)])
    packed = zipfile.ZipFile(io.BytesIO(b"".join(copying.copy(reading, ZoneInfo("UTC"), "en"))))
    import json

    data = json.loads(packed.read("data/pictures-0001.json"))
    CHECK.validate(data)
    (one,) = data["entries"]
    assert packed.read(one["file"]) == images.made_safe(raw).jpeg and one["says"] == "The mill."
    words = json.loads(packed.read("data/words-0001.json"))["entries"]
    assert one["word"] in {word["id"] for word in words}
    assert datetime.fromisoformat(one["at"]) <= datetime.now(UTC)


@pytest.mark.django_db
def test_new_keys_open_it_and_old_ones_no_longer(cast, entry):
    raw = pressed(noise(800, 600), "PNG")
    send(cast.ana, entry, file=file(raw))
    old, new = cast.ana.keyring.self_key, vault.Key.new()
    for name in ("reflect.picture", "reflect.picturepart"):
        REGISTRY[name].reseal(cast.ana.member, old, new)
    row = Picture.objects.get()

    class Ring:
        self_key = new

    assert gallery.picture_bytes(Ring(), row) == images.made_safe(raw).jpeg
    with pytest.raises(gallery.Tampered):
        gallery.picture_bytes(cast.ana.keyring, row)
