"""COCO and PoseTrack annotations become people and pictures on one skeleton."""

import json

import numpy as np
import pytest

from data.annotated_images import AnnotatedPeople, AnnotatedPictures, read_annotated
from data.errors import AnnotationError
from data.image_store import ImageFolder
from data.posetrack import Annotated, Sequence, write
from data.skeleton import COCO_17, FSPOSE_19
from data.synthetic.posetrack_tree import TreePlan, write_tree


def coco(folder, *people, images=3, **changes):
    """A file of 40x30 images with these people: image, keypoints under their names, crowd."""
    entries = []
    for number, (image, points, crowd) in enumerate(people):
        flat = np.zeros((17, 3))
        for name, (x, y) in points.items():
            flat[COCO_17.index(name)] = x, y, 2
        entries.append(
            {
                "id": number,
                "image_id": image,
                "category_id": 1,
                "bbox": [2, 3, 20, 25],
                "keypoints": flat.ravel().tolist(),
                "iscrowd": crowd,
            }
        )
    content = {
        "images": [
            {"id": n, "file_name": f"{n}.png", "width": 40, "height": 30} for n in range(images)
        ],
        "annotations": entries,
        "categories": [{"id": 1, "name": "person", "keypoints": list(COCO_17.keypoints)}],
    } | changes
    path = folder / "coco.json"
    path.write_text(json.dumps(content))
    return path


def read(path):
    return read_annotated(path, ImageFolder(path.parent))


def test_coco_people_keep_their_keypoints_by_name(tmp_path):
    found = read(coco(tmp_path, (1, {"nose": (5, 6), "left_ankle": (9, 8)}, 0)))

    assert found.images == (1,)
    assert found.names == ("0.png", "1.png", "2.png")
    assert found.keypoints[0, FSPOSE_19.index("left_ankle")].tolist() == [9, 8, 1]
    assert found.keypoints[0, :, 2].sum() == 2
    assert found.boxes[0].tolist() == [2, 3, 20, 25]


def test_absence_is_known_of_the_keypoints_that_a_set_labels(tmp_path):
    found = read(coco(tmp_path, (0, {"nose": (5, 6)}, 0)))

    unknown = {FSPOSE_19.keypoints[k] for k in np.flatnonzero(~found.absent)}
    assert unknown == {"head_top", "head_bottom"}


def test_a_crowd_and_a_person_without_keypoints_are_boxes_only(tmp_path):
    found = read(coco(tmp_path, (0, {}, 0), (0, {"nose": (5, 6)}, 1)))

    assert found.images == ()
    assert found.unlabelled == 1
    assert found.shown[0].tolist() == [[2, 3, 20, 25, 0], [2, 3, 20, 25, 1]]
    assert found.shown[1].shape == (0, 5)


def test_keypoints_outside_the_image_are_counted_and_not_used(tmp_path):
    path = coco(tmp_path, (0, {"nose": (5, 6), "left_eye": (41, 6), "right_eye": (5, -1)}, 0))

    found = read(path)

    assert found.outside == 2
    assert found.keypoints[0, :, 2].sum() == 1
    assert "not used: 2" in found.notes(path)[0]


def test_another_skeleton_is_told(tmp_path):
    hands = [{"id": 1, "name": "person", "keypoints": ["thumb", "finger"]}]

    with pytest.raises(AnnotationError, match="expected the names of one of coco-17"):
        read(coco(tmp_path, categories=hands))


@pytest.mark.parametrize(
    ("groups", "share", "held"), [(60, 0.05, 3), (10, 0.05, 1), (3, 0.05, 0), (60, 0.0, 0)]
)
def test_a_share_of_the_images_is_held_out(groups, share, held, tmp_path):
    found = read(coco(tmp_path, images=groups))

    assert found.every(share).sum() == held


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tree")
    write_tree(folder, TreePlan(2, 3, (128, 96), seed=4, people=2), lambda done: None)
    return folder


def test_posetrack_people_come_with_their_pictures(tree, generator):
    found = read_annotated(tree / "annotations" / "train", ImageFolder(tree))
    people = AnnotatedPeople(found, np.zeros(len(found.images), bool))
    pictures = AnnotatedPictures(found, np.zeros(len(found.names), bool))

    portrait, shot = people.portrait(0, generator), pictures.shot(0, generator)

    assert portrait.image.shape == shot.image.shape == (96, 128, 3)
    assert not portrait.keypoints[FSPOSE_19.index("left_ear"), 2]
    assert portrait.keypoints[:, 2].sum() > 5
    assert not portrait.absent_is_known.any()
    assert shot.is_complete


def test_a_region_to_ignore_is_a_box_to_ignore(tmp_path):
    region = np.array([[4, 5], [14, 5], [9, 25]], float)
    frame = Annotated("images/val/1_mpii/0.jpg", (), 1, (region,), (40, 30))
    write(Sequence("1_mpii", (frame,)), tmp_path / "1_mpii.json")

    found = read_annotated(tmp_path, ImageFolder(tmp_path))

    assert found.shown[0].tolist() == [[4, 5, 10, 20, 1]]


def test_videos_are_held_out_as_a_whole(tree):
    found = read_annotated(tree / "annotations" / "train", ImageFolder(tree))

    assert set(found.groups) == {"000001_mpii_train"}
