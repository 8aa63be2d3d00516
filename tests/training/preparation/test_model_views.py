"""Pictures of models: the drawing itself, and the three formats that models come in."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from sounddesk.training.preparation.formats.ac3d_model import Ac3dFolder
from sounddesk.training.preparation.formats.furniture_catalogue import FurnitureCatalogue
from sounddesk.training.preparation.formats.mesh_drawing import MeshError
from sounddesk.training.preparation.formats.mesh_drawing import MeshPart
from sounddesk.training.preparation.formats.mesh_drawing import Viewpoint
from sounddesk.training.preparation.formats.mesh_drawing import draw_mesh
from sounddesk.training.preparation.formats.mesh_drawing import random_viewpoint
from sounddesk.training.preparation.formats.pyrogenesis_actor import ActorArchive
from sounddesk.training.preparation.formats.pyrogenesis_actor import read_pmd
from sounddesk.training.preparation.member_readers import MemberError
from sounddesk.training.preparation.member_readers import expand
from sounddesk.training.preparation.member_readers import open_reader
from tests.training.preparation.archives import furniture

# Two triangles of a square, counted along its corners.
FAN = np.array([[0, 1, 2], [0, 2, 3]])
SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
UV = (SQUARE + 1) / 2
# Light straight from the viewer, so that a face turned to it keeps its colour.
FRONT = Viewpoint(azimuth_deg=0, elevation_deg=0, light_azimuth_deg=0, light_elevation_deg=0)


def square(z: float, *, size: float = 1.0, **options: object) -> MeshPart:
    corners = np.column_stack([size * SQUARE, np.full(4, z)])
    return MeshPart(corners=corners[FAN], uv=UV[FAN], **options)  # type: ignore[arg-type]


def middle(picture: np.ndarray) -> list[int]:
    return [int(value) for value in picture[144, 144]]


def test_of_two_faces_the_nearer_one_is_seen_from_either_side() -> None:
    parts = [square(0.2, colour=(200, 0, 0)), square(-0.2, colour=(0, 0, 200))]
    assert middle(draw_mesh(parts, FRONT)) == [200, 0, 0, 255]
    assert middle(draw_mesh(parts[::-1], FRONT)) == [200, 0, 0, 255]
    behind = Viewpoint(azimuth_deg=180, elevation_deg=0, light_azimuth_deg=0, light_elevation_deg=0)
    assert middle(draw_mesh(parts, behind)) == [0, 0, 200, 255]


def test_a_surface_has_no_holes_and_fills_the_picture() -> None:
    picture = draw_mesh([square(0.0)], FRONT)
    assert picture.shape == (288, 288, 4)
    inside = picture[12:-12, 12:-12, 3]
    assert (inside == 255).all()
    assert (picture[:4, :, 3] == 0).all()


def test_a_texture_stands_upright_and_its_transparent_parts_show_what_is_behind() -> None:
    texture = np.zeros((2, 2, 4), np.uint8)
    texture[0, 0] = (250, 0, 0, 255)
    texture[0, 1] = (0, 250, 0, 255)
    texture[1, 0] = (0, 0, 250, 255)
    picture = draw_mesh([square(0.0, texture=texture), square(-0.1, colour=(90, 90, 90))], FRONT)
    assert [int(v) for v in picture[70, 70]] == [250, 0, 0, 255]
    assert [int(v) for v in picture[70, 220]] == [0, 250, 0, 255]
    assert [int(v) for v in picture[220, 70]] == [0, 0, 250, 255]
    assert [int(v) for v in picture[220, 220]] == [90, 90, 90, 255]


def test_a_face_turned_from_the_light_is_darker_and_never_black() -> None:
    aside = Viewpoint(azimuth_deg=0, elevation_deg=0, light_azimuth_deg=80, light_elevation_deg=0)
    lit, shaded = (middle(draw_mesh([square(0.0, colour=(200, 200, 200))], view))[0] for view in (FRONT, aside))
    assert lit == 200
    assert 105 < shaded < 150


def test_a_mesh_without_triangles_is_refused() -> None:
    with pytest.raises(MeshError, match="no triangle"):
        draw_mesh([], FRONT)


def test_viewpoints_turn_no_further_than_asked() -> None:
    views = [random_viewpoint(np.random.default_rng(seed), turn_deg=30) for seed in range(50)]
    assert max(abs(view.azimuth_deg) for view in views) <= 30
    assert min(view.light_elevation_deg for view in views) >= 20


def pmd(*, faces: int = 2) -> bytes:
    vertices = b"".join(
        struct.pack("<8f", *point, 0.0, 0, 0, 1, *uv) + bytes(4) + struct.pack("<4f", 1, 0, 0, 0)
        for point, uv in zip(SQUARE, UV, strict=True)
    )
    indices = FAN.astype("<u2").tobytes()
    return b"PSMD" + struct.pack("<III", 3, 0, 4) + vertices + struct.pack("<I", faces) + indices


def skin(colour: tuple[int, ...]) -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (4, 4), colour).save(file, format="PNG")
    return file.getvalue()


def game(path: Path, *, material: str = "no_trans_spec.xml") -> Path:
    actor = f"""<actor version="1"><group><variant file="shared.xml"/><variant><textures>
        <texture file="grey.png" name="baseTex"/><texture file="spec.png" name="specTex"/></textures></variant>
        <variant><textures><texture file="brown.png" name="baseTex"/></textures></variant></group>
        <material>{material}</material></actor>"""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("art/actors/fauna/wolf.xml", actor)
        archive.writestr("art/actors/fauna/ghost.xml", "<actor><group/></actor>")
        archive.writestr("art/variants/shared.xml", "<variant><mesh>skeletal/wolf.dae</mesh></variant>")
        archive.writestr("art/meshes/skeletal/wolf.dae.cached.pmd", pmd())
        archive.writestr("art/textures/skins/grey.png", skin((100, 100, 100, 0)))
        archive.writestr("art/textures/skins/brown.png", skin((120, 60, 0, 255)))
    return path


def test_an_actor_wears_its_textures_in_turn(tmp_path: Path) -> None:
    actors = ActorArchive(zipfile.ZipFile(game(tmp_path / "public.zip")))
    assert actors.names() == ["fauna/ghost", "fauna/wolf"]
    colours = []
    for look in range(3):
        (part,) = actors.parts("fauna/wolf", look=look)
        assert part.corners.shape == (2, 3, 3)
        assert part.texture is not None
        colours.append(tuple(int(v) for v in part.texture[0, 0]))
    # Alpha is not transparency with this material.
    assert colours == [(100, 100, 100, 255), (120, 60, 0, 255), (100, 100, 100, 255)]
    with pytest.raises(MeshError, match="names no mesh"):
        actors.parts("fauna/ghost", look=0)
    with pytest.raises(MeshError, match=r"no 'art/actors/fauna/cow\.xml'"):
        actors.parts("fauna/cow", look=0)


def test_a_material_may_say_that_alpha_is_transparency(tmp_path: Path) -> None:
    actors = ActorArchive(zipfile.ZipFile(game(tmp_path / "public.zip", material="basic_trans.xml")))
    (part,) = actors.parts("fauna/wolf", look=0)
    assert part.texture is not None
    assert part.texture[0, 0, 3] == 0


@pytest.mark.parametrize("data", [b"", b"PSM", b"XXXX" + pmd()[4:], pmd()[:60], pmd(faces=90)])
def test_a_damaged_mesh_is_refused_by_name(data: bytes) -> None:
    with pytest.raises(MeshError, match=r"wolf\.dae"):
        read_pmd(data, name="wolf.dae")


def test_a_model_of_a_furniture_library_has_its_materials_and_maker(tmp_path: Path) -> None:
    library = FurnitureCatalogue(zipfile.ZipFile(furniture(tmp_path / "x.sh3f")))
    assert library.names() == ["lost", "saw"]
    assert library.credit("saw") == "Ann"
    parts = library.parts("saw", look=0)
    assert sum(len(part.corners) for part in parts) == 2
    textured = [part for part in parts if part.texture is not None]
    assert [tuple(int(v) for v in part.texture[0, 0]) for part in textured] == [(150, 90, 20, 255)]  # type: ignore[index]
    # Black would hide the shading, so no part of a colour is darker than 30.
    assert [part.colour for part in parts if part.texture is None] == [(30.0, pytest.approx(127, abs=1), 255.0)]
    for name in ("lost", "sofa"):
        with pytest.raises(MeshError, match=name):
            library.parts(name, look=0)


AC3D = """AC3Db
MATERIAL "red paint" rgb 0.8 0 0  amb 1 1 1  emis 0 0 0  spec 0 0 0  shi 0  trans 0
OBJECT world
kids 2
OBJECT poly
name "body of it"
data 5
hello
loc 0 0 1
numvert 4
-1 -1 0
1 -1 0
1 1 0
-1 1 0
numsurf 2
SURF 0x20
mat 0
refs 4
0 0 0
1 1 0

2 1 1
3 0 1
SURF 0x22
mat 0
refs 2
0 0 0
1 0 0
kids 0
OBJECT group
rot 0 0 -1 0 1 0 1 0 0
kids 1
OBJECT poly
texture "skin.png"
numvert 3
0 0 0
2 0 0
0 2 0
numsurf 1
SURF 0x0
mat 7
refs 3
0 0 0
1 1 0
2 0 1
kids 0
"""


def test_an_ac3d_model_with_its_tree_of_objects(tmp_path: Path) -> None:
    (tmp_path / "Fauna").mkdir()
    (tmp_path / "Fauna/cow.ac").write_text(AC3D)
    (tmp_path / "Fauna/skin.png").write_bytes(skin((10, 20, 30, 255)))
    models = Ac3dFolder(tmp_path)
    assert models.names() == ["Fauna/cow"]
    body, part = models.parts("Fauna/cow", look=0)
    assert body.colour == pytest.approx((204, 0, 0))
    assert len(body.corners) == 2
    assert (body.corners[..., 2] == 1).all()
    assert part.texture is not None
    # Turned a quarter about y.
    np.testing.assert_allclose(part.corners[0], [[0, 0, 0], [0, 0, -2], [0, 2, 0]], atol=1e-9)
    with pytest.raises(MeshError, match="no model 'Fauna/horse'"):
        models.parts("Fauna/horse", look=0)


def test_an_ac3d_model_without_its_texture_has_the_colour_of_its_material(tmp_path: Path) -> None:
    (tmp_path / "cow.ac").write_text(AC3D.replace("mat 7", "mat 0"))
    (part,) = Ac3dFolder(tmp_path).parts("cow", look=0)[1:]
    assert part.texture is None
    assert part.colour == pytest.approx((204, 0, 0))


@pytest.mark.parametrize(
    "text", ["", "OBJECT world", AC3D.replace("-1 1 0", "-1 one 0"), AC3D[: AC3D.index("SURF 0x22")]]
)
def test_a_damaged_ac3d_model_is_refused_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "cow.ac").write_text(text)
    with pytest.raises(MeshError, match=r"cow\.ac"):
        Ac3dFolder(tmp_path).parts("cow", look=0)


def test_the_views_of_a_model_are_members_like_any_other(tmp_path: Path) -> None:
    reader = open_reader(kind="actors", path=game(tmp_path / "public.zip"))
    assert expand(reader, "fauna/wolf/[0-2]") == ["fauna/wolf/0", "fauna/wolf/1", "fauna/wolf/2"]
    first, again, second = (reader.read(name).data for name in ("fauna/wolf/0", "fauna/wolf/0", "fauna/wolf/1"))
    assert first == again
    assert first != second
    picture = cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_UNCHANGED)
    assert picture.shape == (288, 288, 4)
    for name in ("fauna/wolf", "fauna/wolf/8", "fauna/cow/0"):
        with pytest.raises(MemberError):
            reader.read(name)
    furniture_reader = open_reader(kind="furniture", path=furniture(tmp_path / "x.sh3f"))
    assert furniture_reader.read("saw/3").credit == "Ann"
    (tmp_path / "cow.ac").write_text(AC3D)
    assert len(open_reader(kind="ac3d", path=tmp_path).names()) == 8
