import {RelationalModel} from "@web/model/relational_model/relational_model";

// None before they were loaded for the first time
const rowsOf = (list) => (list?.isGrouped ? list.groups : list?.records) || [];

/**
 * Give what was there before the key it had, which is what a list tells its rows apart
 * by: else each of them is drawn anew, and the focus and what is open go with the old.
 *
 * @param {Object[]} before records, or groups of records
 * @param {Object[]} after
 */
function keepKeys(before, after) {
    const known = new Map(before.map((point) => [point.resId ?? point.value, point]));
    for (const point of after) {
        const same = known.get(point.resId ?? point.value);
        if (same) {
            point.id = same.id;
            keepKeys(rowsOf(same.list), rowsOf(point.list));
        }
    }
}

const keeping = (List) =>
    class extends List {
        _setData(data) {
            const before = rowsOf(this);
            super._setData(data);
            keepKeys(before, rowsOf(this));
        }
    };

/** A model whose rows stay where they are when it is loaded again. */
export class KeptRowsModel extends RelationalModel {
    static DynamicGroupList = keeping(RelationalModel.DynamicGroupList);
    static DynamicRecordList = keeping(RelationalModel.DynamicRecordList);
}
