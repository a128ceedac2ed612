"""Transforms of generated scripts: classes whose apply() calls the frame's method."""


class ApplyMapping:
    @staticmethod
    def apply(frame, mappings, transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame.apply_mapping(mappings)


class SelectFields:
    @staticmethod
    def apply(frame, paths, transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame.select_fields(paths)


class DropFields:
    @staticmethod
    def apply(frame, paths, transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame.drop_fields(paths)


class RenameField:
    @staticmethod
    def apply(frame, old_name, new_name, transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame.rename_field(old_name, new_name)


class Join:
    @staticmethod
    def apply(frame1, frame2, keys1, keys2, transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame1.join(keys1, keys2, frame2)


class ResolveChoice:
    @staticmethod
    def apply(frame, specs=None, choice="", transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame.resolveChoice(specs, choice)


class DropNullFields:
    @staticmethod
    def apply(frame, transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame.dropNullFields()


class Filter:
    @staticmethod
    def apply(frame, f, transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame.filter(f)


class Map:
    @staticmethod
    def apply(frame, f, transformation_ctx="", **_):  # pylint: disable=unused-argument
        return frame.map(f)
